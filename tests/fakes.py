"""Fast stand-ins for every port, and a tiny classification to use them on."""

from collections.abc import Sequence
from zlib import crc32

import numpy as np
from isco_index import FlatIndex, build_index
from numpy.typing import NDArray

from isco_rag.calibrate import Temperature
from isco_rag.classify import Classifier, Parts
from isco_rag.encode import quantise
from isco_rag.fuse import FEATURES, REGIMES, USED, Fusion
from isco_rag.ports import Floats
from isco_rag.settings import Settings
from isco_rag.taxonomy import Group, Heading, Taxonomy
from isco_rag.types import Contrast, Entry

DIMENSION = 128


class FakeEncoder:
    """Texts as sums of random vectors, one per trigram: alike strings get alike vectors."""

    dimension = DIMENSION

    def encode(self, texts: Sequence[str]) -> Floats:
        vectors = np.zeros((len(texts), DIMENSION), dtype=np.float32)
        for row, text in enumerate(texts):
            padded = f"  {text} "
            for i in range(len(padded) - 2):
                vectors[row] += np.random.default_rng(crc32(padded[i : i + 3].encode())).normal(size=DIMENSION)
        return quantise(vectors / np.linalg.norm(vectors, axis=1, keepdims=True)) if len(texts) else vectors


class FakeWords:
    """Scores a class by the share of a text's words that its title has; Greek letters are foreign."""

    def __init__(self, titles: Sequence[str]) -> None:
        self._titles = [set(title.lower().split()) for title in titles]

    def scores(self, texts: Sequence[str]) -> Floats:
        found = np.array([[len(set(text.split()) & title) / (len(text.split()) or 1) for title in self._titles] for text in texts])
        return np.log(found / (found.sum(axis=1, keepdims=True) + 1e-9) + 1e-3).astype(np.float32)

    def foreign(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        return np.array([any("α" <= c <= "ω" for c in text) for text in texts], dtype=np.bool_)


class FakeReranker:
    """Scores a pair by the share of the job's words that the candidate has."""

    def score(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        return np.array([len(set(a.split()) & set(b.split())) / (len(set(a.split())) or 1) for a, b in pairs], dtype=np.float32)


def tiny_taxonomy() -> Taxonomy:
    """A tree of three levels whose lowest codes are not all of one length and no prefixes: nothing in the core may count digits."""
    rows = [
        ("A", 1, "", "People who drive"),
        ("B", 1, "", "People who teach"),
        ("A-road", 2, "A", "Road drivers"),
        ("B-school", 2, "B", "School teachers"),
        ("truck", 3, "A-road", "Truck drivers"),
        ("taxi", 3, "A-road", "Taxi drivers"),
        ("maths", 3, "B-school", "Mathematics teachers"),
        ("sport", 3, "B-school", "Sport teachers"),
    ]
    contrasts = {"truck": (Contrast("taxi", "carrying people for a fare"),)}
    groups = tuple(Group(c, n, p, t, f"{t}: what they do.", (f"work as {t.lower()}",), contrasts.get(c, ())) for c, n, p, t in rows)
    return Taxonomy(Heading("Tiny", "1", ("top", "middle", "bottom")), groups)


def tiny_entries() -> list[Entry]:
    return [
        Entry("e1", "truck", "lorry driver", "drives a heavy lorry with containers to the port"),
        Entry("e2", "truck", "truck driver", "long haul with a trailer"),
        Entry("e3", "taxi", "taxi driver", "takes passengers across town"),
        Entry("e4", "taxi", "cab driver"),
        Entry("e5", "maths", "mathematics teacher", "teaches algebra to pupils"),
        Entry("e6", "sport", "sport teacher", "teaches football and gymnastics to pupils"),
    ]


def tiny_index() -> FlatIndex:
    return build_index(tiny_entries(), FakeEncoder())


def tiny_classifier(settings: Settings | None = None, *, reranker: bool = True) -> Classifier:
    """A classifier of real code over fake models."""
    taxonomy, encoder = tiny_taxonomy(), FakeEncoder()
    prototypes = encoder.encode([taxonomy.group(code).title.lower() for code in taxonomy.leaves])
    weights = tuple(tuple(1.0 if f in used else 0.0 for f in range(len(FEATURES))) for used in USED)
    fusion = Fusion(weights, ((1.0, 0.5),) * len(REGIMES))
    parts = Parts(
        taxonomy, encoder, prototypes, FakeWords([taxonomy.group(c).title for c in taxonomy.leaves]), tiny_index(), fusion, Temperature((1.0,) * len(REGIMES)), FakeReranker() if reranker else None, "tiny"
    )  # fmt: skip
    return Classifier(parts, settings or Settings(fallback_level=2))
