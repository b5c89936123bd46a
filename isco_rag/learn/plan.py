"""What to learn next: where people had to correct most, what is taken for what, where confidence promises too much, where examples are thin.

Each challenge is ranked by what it costs at least: the lower end of its interval times the share of the records that it concerns, in records
of a thousand. So a rare group that is always wrong and a common one that is sometimes wrong can be compared, and two records out of
two do not outrank thirty out of a hundred.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from isco_rag.interval import wilson
from isco_rag.taxonomy import Taxonomy
from isco_rag.types import Metric

Kind = Literal["errors", "confusion", "calibration", "coverage"]
# Fewer decided records of a group say too little; a pair must have been confused twice.
LEAST, TWICE = 5, 2
# Fewer entries of a unit group in the index are thin; a group's share of texts without near entry is looked at from so many texts on.
THIN, TEXTS = 5, 20


class Reviewed(Struct, frozen=True):
    """A record that people settled: what went out, how sure the machine was, what people said, on which day, and whether it was right."""

    code: str
    grade: str
    confidence: float
    final: str
    day: str
    right: bool


def upheld(taxonomy: Taxonomy, code: str, final: str) -> bool:
    """Whether what went out is right: the people's code, or a group above it, or both empty. A code below the people's shorter one counts too."""
    if not code or not final:
        return code == final
    if code not in taxonomy or final not in taxonomy:
        return code == final
    level = min(taxonomy.group(code).level, taxonomy.group(final).level)
    return taxonomy.ancestor(code, level) == taxonomy.ancestor(final, level)


class Challenge(Struct, frozen=True):
    """Something to be learned: where, how bad with interval and n, what it costs of a thousand records at least, why, and what to do."""

    kind: Kind
    code: str
    title: str
    other: str
    figure: Metric
    cost: float
    reason: str
    advice: str


def plan(
    taxonomy: Taxonomy, reviewed: Sequence[Reviewed], coded: Mapping[str, tuple[int, int]], entries: Mapping[str, int], limit: int = 50
) -> tuple[Challenge, ...]:  # fmt: skip
    """The challenges, the costliest first.

    `coded` tells for each code how often it went out and how often with no near entry, `entries` how many the index holds. Where nothing
    was counted, the reviewed records stand for what is coded.
    """
    volume = {code: n for code, (n, _) in coded.items()} or Counter(one.code for one in reviewed if one.code)
    share = _shares(taxonomy, volume)
    found = [
        *_errors(taxonomy, reviewed, share), *_confusions(taxonomy, reviewed, share), *_calibration(taxonomy, reviewed, share),
        *_coverage(taxonomy, coded, entries, share),
    ]  # fmt: skip
    kept = [one for one in found if one.cost > 0]
    return tuple(sorted(kept, key=lambda one: (-one.cost, one.kind, one.code, one.other))[:limit])


def _shares(taxonomy: Taxonomy, volume: Mapping[str, int]) -> dict[str, float]:
    """The share of what went out that lies under each code."""
    total = sum(volume.values())
    return {code: n / total for code, n in _sums(taxonomy, volume).items()}


def _sums(taxonomy: Taxonomy, counts: Mapping[str, int]) -> Counter[str]:
    """How many lie under each code."""
    sums: Counter[str] = Counter()
    for code, n in counts.items():
        for group in taxonomy.path(code) if code in taxonomy else ():
            sums[group.code] += n
    return sums


def _by_group(taxonomy: Taxonomy, reviewed: Sequence[Reviewed], of: str) -> Iterator[tuple[str, list[Reviewed]]]:
    """Records by the group of their code, at the lowest level and the one above it; the upper only where none beneath has enough."""
    by_code: dict[str, list[Reviewed]] = defaultdict(list)
    for one in reviewed:
        by_code[getattr(one, of)].append(one)
    groups: dict[str, list[Reviewed]] = defaultdict(list)
    for code, own in by_code.items():
        for group in taxonomy.path(code)[-2:] if code in taxonomy else ():
            if group.level >= taxonomy.depth - 1:
                groups[group.code] += own
    enough = {code for code, own in groups.items() if len(own) >= LEAST}
    for code in sorted(enough):
        if not any(child.code in enough for child in taxonomy.children(code)):
            yield code, groups[code]


def _errors(taxonomy: Taxonomy, reviewed: Sequence[Reviewed], share: Mapping[str, float]) -> Iterator[Challenge]:
    for code, own in _by_group(taxonomy, reviewed, "final"):
        wrong = sum(not one.right for one in own)
        figure = wilson(wrong, len(own), "corrected")
        given = Counter(one.code or "no code" for one in own if not one.right).most_common(2)
        instead = ", ".join(f"{other} ({n})" for other, n in given)
        reason = f"{wrong} of {len(own)} records that people put into {code} had another code: {instead}"
        # A group that is never given out has no share of what goes out; people's own records say how common it is.
        cost = figure.low * max(share.get(code, 0.0), len(own) / len(reviewed) if code not in share else 0.0)
        if wrong:
            yield _challenge(
                taxonomy, "errors", code, "", figure, cost, reason, f"write or import examples of {code}, and review more of its records"
            )


def _confusions(taxonomy: Taxonomy, reviewed: Sequence[Reviewed], share: Mapping[str, float]) -> Iterator[Challenge]:
    given = Counter(one.code for one in reviewed)
    pairs = Counter((one.code, one.final) for one in reviewed if not one.right and one.code in taxonomy and one.final in taxonomy)
    for (code, other), n in sorted(pairs.items()):
        if n >= TWICE:
            figure = wilson(n, given[code], "taken for it")
            reason = f"{n} of {given[code]} reviewed records that went out as {code} belong to {other} {taxonomy.group(other).title}"
            advice = f"agree where the line between {code} and {other} lies, and write examples of both sides"
            yield _challenge(taxonomy, "confusion", code, other, figure, figure.low * share.get(code, 0.0), reason, advice)


def _calibration(taxonomy: Taxonomy, reviewed: Sequence[Reviewed], share: Mapping[str, float]) -> Iterator[Challenge]:
    for code, own in _by_group(taxonomy, reviewed, "code"):
        stated, right = sum(one.confidence for one in own) / len(own), wilson(sum(one.right for one in own), len(own), "upheld")
        gap = Metric("confidence minus upheld", stated - right.value, stated - right.high, stated - right.low, len(own))
        reason = (
            f"{code} goes out with {stated:.0%} confidence on average and is upheld in {right.value:.0%} of {len(own)} reviewed records"
        )
        advice = f"review more records of {code}, then refit with: isco-rag calibrate"
        yield _challenge(taxonomy, "calibration", code, "", gap, gap.low * share.get(code, 0.0), reason, advice)


def _coverage(
    taxonomy: Taxonomy, coded: Mapping[str, tuple[int, int]], entries: Mapping[str, int], share: Mapping[str, float]
) -> Iterator[Challenge]:
    every, far = sum(n for n, _ in coded.values()), sum(f for _, f in coded.values())
    usual = far / every if every else 0.0
    held_by = _sums(taxonomy, {leaf: entries.get(leaf, 0) for leaf in taxonomy.leaves})
    for code, (n, lonely) in sorted(coded.items()):
        if code not in taxonomy or not lonely:
            continue
        held = held_by[code]
        figure = wilson(lonely, n, "no near example")
        thin = held < THIN and taxonomy.group(code).level == taxonomy.depth
        # What stands out: more texts without a near example than usual beyond doubt, or a group with hardly any example.
        if (n >= TEXTS and figure.low > usual) or thin:
            reason = (
                f"{lonely} of {n} texts that went out as {code} have no near example (usual: {usual:.0%}); the index holds {held} of it"
            )
            advice = f"write or import coded titles of {code}"
            # As many as everywhere cost nothing that titles of this group would save.
            beyond = figure.low if thin else figure.low - usual
            yield _challenge(taxonomy, "coverage", code, "", figure, beyond * share.get(code, 0.0), reason, advice)


def _challenge(taxonomy: Taxonomy, kind: Kind, code: str, other: str, figure: Metric, cost: float, reason: str, advice: str) -> Challenge:
    return Challenge(kind, code, taxonomy.group(code).title, other, figure, round(1000 * cost, 2), reason, advice)
