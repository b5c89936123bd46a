"""The gate: a challenger becomes the champion only where it is shown to be better and nowhere shown to be worse.

The judge measures, and is handed in (isco_eval.duel); here are the rules and the words of the verdict. "Beyond doubt" means that the interval of
the paired difference leaves out zero, and for the whole that McNemar's test agrees.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct

from isco_rag.classify import Classifier
from isco_rag.settings import GateRules


class Difference(Struct, frozen=True):
    """A figure of both on the same records: before, after, the difference with its interval, and how many records it rests on."""

    name: str
    before: float
    after: float
    difference: float
    low: float
    high: float
    n: int


class Compared(Struct, frozen=True):
    """What a judge found on frozen gold: records that neither could have seen, accuracy, calibration, and time for one record in milliseconds.

    `gold` names the files with their hashes, `left_out` counts the records that leak, `looked` says where leaks were looked for. Intervals of
    `groups` are wide enough that all of them together hold at 95 %.
    """

    gold: dict[str, str]
    records: int
    left_out: int
    looked: str
    overall: Difference
    only_before: int
    only_after: int
    p: float
    samples: tuple[Difference, ...]
    groups: tuple[Difference, ...]
    calibration: Difference
    milliseconds: tuple[float, float]


# Measures champion and challenger, in this order, as they would serve.
Judge = Callable[[Classifier, Classifier], Compared]


class Decision(Struct, frozen=True):
    """Whether the challenger may be the champion, and why, a line for each rule; the first line says it all."""

    passed: bool
    words: tuple[str, ...]


def decide(rules: GateRules, names: tuple[str, str], found: Compared) -> Decision:
    """The decision on what was found, under the rules."""
    checks = [
        _enough(rules, found),
        _better(rules, found),
        *_samples(rules, found),
        _groups(found),
        _calibration(rules, found),
        _latency(rules, found),
    ]
    failed = [said for held, said in checks if not held]
    champion, challenger = names
    change = _told(found.overall)
    if failed:
        first = f"{challenger} does not replace {champion}. {failed[0]}"
    else:
        first = f"{challenger} may replace {champion}: right unit group {change} on {found.records:,} records that neither had seen."
    gold = ", ".join(f"{name} ({hashed[:12]})" for name, hashed in found.gold.items())
    looked = f"Gold: {gold}. {found.left_out:,} records were left out because {found.looked} knows them or one like them."
    return Decision(not failed, (first, *(said for _, said in checks), looked))


def _check(held: bool, said: str) -> tuple[bool, str]:
    return held, f"{'Met' if held else 'Not met'}: {said}"


def _enough(rules: GateRules, found: Compared) -> tuple[bool, str]:
    return _check(found.records >= rules.records, f"{found.records:,} records to judge on, at least {rules.records:,} wanted.")


def _better(rules: GateRules, found: Compared) -> tuple[bool, str]:
    held = found.overall.low > 0 and found.p < rules.doubt and found.only_after > found.only_before
    said = (
        f"better overall beyond doubt: right unit group {_told(found.overall)}; {found.only_after:,} records only the challenger has right, "
        f"{found.only_before:,} only the champion (McNemar p = {found.p:.3g})."
    )
    return _check(held, said)


def _samples(rules: GateRules, found: Compared) -> list[tuple[bool, str]]:
    """Of several gold files, none may be worse beyond doubt."""
    if len(found.samples) < 2:
        return []
    worse = [d for d in found.samples if d.high < 0]
    said = "; ".join(f"{d.name} {_told(d)}" for d in worse or found.samples)
    return [_check(not worse, f"no gold file worse beyond doubt: {said}.")]


def _groups(found: Compared) -> tuple[bool, str]:
    worse = [d for d in found.groups if d.high < 0]
    said = "; ".join(f"{d.name} {_told(d)}, {d.n:,} records" for d in worse) or f"{len(found.groups)} looked at"
    return _check(not worse, f"no major group worse beyond doubt: {said}.")


def _calibration(rules: GateRules, found: Compared) -> tuple[bool, str]:
    d = found.calibration
    said = f"calibration error {100 * d.before:.1f} to {100 * d.after:.1f} points, at most {100 * rules.calibration:.1f} more allowed."
    return _check(d.difference <= rules.calibration, said)


def _latency(rules: GateRules, found: Compared) -> tuple[bool, str]:
    before, after = found.milliseconds
    said = f"processor time for a record {before:.1f} to {after:.1f} ms, at most {rules.latency:.2f} times allowed."
    return _check(after <= rules.latency * before, said)


def _told(d: Difference) -> str:
    return f"{100 * d.before:.1f} to {100 * d.after:.1f} %, {100 * d.difference:+.1f} points ({100 * d.low:+.1f} to {100 * d.high:+.1f})"


def lines(decision: Decision) -> Sequence[str]:
    """The verdict as lines of a text file."""
    return [decision.words[0], "", *(f"- {word}" for word in decision.words[1:])]
