"""Which rows of a batch of corrections should wait for an expert: those that contradict what is known, and those that move a group.

One wrong row does little harm. A batch that gives the titles of a whole group another code, by mistake or on purpose, would turn the index
round before anybody has looked; so it is looked at first.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from isco_rag.settings import Holding
from isco_rag.taught import SOURCE
from isco_rag.taxonomy import Taxonomy
from isco_rag.text import key, title_text
from isco_rag.types import Entry, Job, Prediction


class Proposal(Struct, frozen=True):
    """A row of a batch: whose it is, its title, whether it says more than that, the key of its text, its code, the model's best unit group."""

    number: int
    by: str
    title: str
    more: bool
    text: str
    code: str
    said: str = ""
    probability: float = 0.0


class Known(Struct, frozen=True):
    """The titles that came with the index, by key, with their codes; how many each code has."""

    codes: dict[str, tuple[str, ...]]
    titles: Counter[str]


def proposal(number: int, by: str, job: Job, text: str, code: str, answered: Prediction | None) -> Proposal:
    """A row of a batch with what the model answered to it."""
    best = answered.top[0] if answered and answered.top else None
    return Proposal(
        number, by, key(title_text(job.title)) if job.title else "", bool(job.duties or job.industry), text, code,
        best.code if best else "", best.probability if best else 0.0,
    )  # fmt: skip


def known_titles(entries: Iterable[Entry]) -> Known:
    """The titles of an index, without tasks and without what corrections brought."""
    found: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        if entry.title and entry.source != SOURCE and not entry.id.startswith("task:"):
            found[key(title_text(entry.title))].add(entry.code)
    codes = {title: tuple(sorted(group)) for title, group in found.items() if title}
    return Known(codes, Counter(code for group in codes.values() for code in group))


def related(taxonomy: Taxonomy, code: str, other: str) -> bool:
    """Whether two codes are the same, or one lies beneath the other; a code that the classification does not have is related to itself alone."""
    if code not in taxonomy or other not in taxonomy:
        return code == other
    level = min(taxonomy.group(code).level, taxonomy.group(other).level)
    return taxonomy.ancestor(code, level) == taxonomy.ancestor(other, level)


def suspects(
    taxonomy: Taxonomy, batch: Sequence[Proposal], known: Known, settled: Mapping[str, tuple[str, str]],
    before: Sequence[Proposal] = (), rules: Holding | None = None,
) -> dict[int, str]:  # fmt: skip
    """By number, why rows of the batch should wait.

    `settled` are texts that people settled in review: their code, and where. `before` is what the same people brought in earlier; it counts
    towards what they move, so that many small batches are caught as one large one is.
    """
    found: dict[int, str] = {}
    for row in batch:
        code, where = settled.get(row.text, ("", ""))
        own = () if row.more or not row.title else known.codes.get(row.title, ())
        if code and not related(taxonomy, code, row.code):
            found[row.number] = f"{where} settled this text as {code}"
        elif own and not any(related(taxonomy, code, row.code) for code in own):
            found[row.number] = f"the index has this very title under {', '.join(own)}"
    moves = _moves(taxonomy, (*before, *batch), known, rules or Holding())
    for row in batch:
        if row.number not in found:
            why = next((moves[move] for move in _own_moves(row, known) if move in moves), "")
            if why:
                found[row.number] = why
    return found


Move = tuple[str, str, str]


def _own_moves(row: Proposal, known: Known) -> list[Move]:
    """From where to where a row moves a text, and who does it: by its title's own group, and by the model's answer, however sure."""
    own = known.codes.get(row.title, ()) if row.title else ()
    homes = ([own[0]] if len(own) == 1 else []) + ([row.said] if row.said else [])
    return [(row.by, home, row.code) for home in dict.fromkeys(homes)]


def _moves(taxonomy: Taxonomy, rows: Sequence[Proposal], known: Known, rules: Holding) -> dict[Move, str]:
    """The moves that are too large, and why."""
    titles: dict[Move, set[str]] = defaultdict(set)
    texts: dict[Move, set[str]] = defaultdict(set)
    sure: dict[tuple[str, str], set[str]] = defaultdict(set)
    plain: dict[Move, set[str]] = defaultdict(set)
    certain: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        own = known.codes.get(row.title, ()) if row.title else ()
        if len(own) == 1 and not related(taxonomy, own[0], row.code):
            titles[row.by, own[0], row.code].add(row.title)
        if row.said and row.probability >= rules.sure:
            sure[row.by, row.said].add(row.text)
            if not related(taxonomy, row.said, row.code):
                texts[row.by, row.said, row.code].add(row.text)
        if row.said and row.probability >= rules.certain:
            certain[row.by].add(row.text)
            if not related(taxonomy, row.said, row.code):
                plain[row.by, row.said, row.code].add(row.text)
    found: dict[Move, str] = {}
    for (by, home, code), moved in titles.items():
        n = known.titles[home]
        if len(moved) >= rules.titles and len(moved) >= rules.share * n:
            found[by, home, code] = f"{by} moves {len(moved)} of the {n} known titles of {home} to {code}"
    for (by, said, code), moved in texts.items():
        n = len(sure[by, said])
        if len(moved) >= rules.texts and len(moved) > rules.most * n:
            found.setdefault((by, said, code), f"{by} moves {len(moved)} of {n} texts that the model takes for {said} to {code}")
    for (by, said, code), moved in plain.items():
        # Against all that the person brought in, not against the group's: good rows of the group don't cover the others.
        if len(moved) >= rules.texts and len(moved) > rules.apart * len(certain[by]):
            why = f"{by} moves {len(moved)} texts that the model is certain are {said} to {code}, among {len(certain[by])} that it is certain of"
            found.setdefault((by, said, code), why)
    return found
