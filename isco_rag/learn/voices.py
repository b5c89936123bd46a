"""The coder's own voices against each other: what the neighbours say, what the cross-encoder says, and the title found word for word."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from isco_rag.classify import CHUNK, Classifier, Texts
from isco_rag.fuse import NEIGHBOURS, fuse
from isco_rag.learn.flags import Found
from isco_rag.ports import Floats, Ints
from isco_rag.types import Job

# Shares from which on a voice counts as sure: of the evidence of all neighbours, and of the cross-encoder's candidates together.
SURE_NEIGHBOURS, SURE_READER = 0.5, 0.7


class Voices(Struct, frozen=True):
    """The unit group that each voice is sure of; empty where it is silent or not sure. The cross-encoder is asked where another speaks."""

    exact: str
    neighbours: str
    reader: str

    @property
    def named(self) -> dict[str, str]:
        """What the voices that speak say, by their names."""
        said = {"the very title in the index": self.exact, "the nearest examples": self.neighbours, "the cross-encoder": self.reader}
        return {name: code for name, code in said.items() if code}


def voices(classifier: Classifier, jobs: Sequence[Job]) -> list[Voices | None]:
    """What each voice says of each job; None where a job can't be coded."""
    found: list[Voices | None] = []
    for start in range(0, len(jobs), CHUNK):
        texts = [classifier.prepare(job) for job in jobs[start : start + CHUNK]]
        able = [t for t in texts if not t.reason]
        heard = iter(_heard(classifier, able) if able else [])
        found += [None if t.reason else next(heard) for t in texts]
    return found


def _heard(classifier: Classifier, texts: Sequence[Texts]) -> list[Voices]:
    leaves, regimes = classifier.taxonomy.leaves, np.array([t.regime for t in texts])
    features, _, entries = classifier.evidence(texts)
    # Logs of sums of closeness.
    near = np.maximum(np.exp(features[:, NEIGHBOURS].astype(np.float64)) - classifier.parts.fusion.floor, 0.0)
    found = []
    for i, text in enumerate(texts):
        same = classifier.lexical.exact(text.title) if text.title else {}
        total, best = float(near[i].sum()), int(near[i].argmax())
        sure = total > 0 and near[i, best] >= SURE_NEIGHBOURS * total
        found.append(Voices(leaves[next(iter(same))] if len(same) == 1 else "", leaves[best] if sure else "", ""))
    asked = [i for i, heard in enumerate(found) if heard.named]
    if asked and classifier.parts.reranker is not None:
        fused = fuse(features[asked], regimes[asked], classifier.parts.fusion)
        codes, scores = classifier.read_candidates([texts[i] for i in asked], fused, entries[asked])
        for i, c, s in zip(asked, codes, scores, strict=True):
            found[i] = replace(found[i], reader=_read(leaves, c, s))
    return found


def _read(leaves: Sequence[str], codes: Ints, scores: Floats) -> str:
    """The candidate that the cross-encoder is sure of; empty where it read none."""
    if len(codes) < 2:
        return ""
    weights = np.exp(scores.astype(np.float64) - scores.max())
    best = int(weights.argmax())
    return leaves[int(codes[best])] if weights[best] >= SURE_READER * weights.sum() else ""


def disagreement(ref: str, text: str, answered: str, heard: Voices) -> Found | None:
    """What to flag where voices that are sure name different unit groups; nothing where they agree or only one speaks. `text` is the text's key."""
    named = heard.named
    if len(set(named.values())) < 2:
        return None
    why = ", ".join(f"{code} by {name}" for name, code in named.items()) + f"; {answered or 'no code'} went out"
    return Found("voices", f"voices {text}", why, answered, (ref,), len(set(named.values())) + bool(heard.exact) / 2)
