"""Doubts about gold codes: how likely each is wrong, by the coder's probabilities and a mixture that is fitted to the sample itself.

A gold code is right, or a sibling of the right one was taken, or any other unit group. Where the coder gives a record the probabilities p, a gold
code g is seen in these cases with the probability

    right: p(g)      sibling: sum over the siblings c of g of p(c) / (siblings of c)      anywhere: (1 - p(g)) / (unit groups - 1)

How often each case occurs is learned from all records of the sample (expectation and maximisation: Dempster, Laird and Rubin 1977), so a sample
without wrong codes gets few doubts or none. What it can't see are wrong codes that the coder itself would have given; and its probabilities must
come from a coder that never saw these records.
"""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from isco_eval.bootstrap import Key, Measures, estimate
from isco_eval.gold import Gold
from isco_eval.reading import Reading
from isco_rag.fuse import Doubles
from isco_rag.ports import Ints
from isco_rag.taxonomy import Taxonomy
from isco_rag.types import Metric

CASES = ("right", "sibling", "anywhere")
# What is believed of the shares before any record is seen, and how many records that is worth: a handful must not make every code look wrong.
FIRST, WORTH = (0.95, 0.025, 0.025), 20
# When learning the shares ends.
STEPS, STILL = 500, 1e-6
# A likelihood that is no number's divisor.
LEAST = 1e-300
# A gold code is doubted where it is likelier wrong than right.
DOUBTFUL = 0.5
RESAMPLES, SEED = 200, 8
# Nearest coded examples that a reason counts.
COUNTED = 5
# To so many decimals probabilities are compared and told.
DECIMALS = 4


class Doubt(Struct, frozen=True):
    """A gold code that is wrong with the probability `wrong`, the code that it most likely should be, and why."""

    row: int
    id: str
    gold: str
    suggested: str
    wrong: float
    gold_probability: float
    suggested_probability: float
    why: str


class Doubted(Struct, frozen=True):
    """The gold codes that are doubted, the most doubtful first, and the share of all that is estimated to be wrong."""

    doubts: tuple[Doubt, ...]
    wrong_codes: Metric


def doubts_of(taxonomy: Taxonomy, gold: Gold, reading: Reading, doubtful: float = DOUBTFUL) -> Doubted:
    """The gold codes of a reading that are wrong with at least the probability `doubtful`; records that can't be coded are not judged."""
    able = np.flatnonzero(reading.best >= 0)
    to = slips(taxonomy)
    p = reading.probabilities[able]
    seen = likelihoods(p, p @ to, reading.truth[able])
    found = shares(seen, np.ones((1, len(able))))[0]
    wrong, suggested = wrongness(seen, found), suggestions(p, to, reading.truth[able], found)
    order = [int(i) for i in most_doubtful(wrong, seen[:, 0], able) if wrong[i] >= doubtful]
    told = [_doubt(taxonomy, gold, reading, int(able[i]), int(suggested[i]), float(wrong[i])) for i in order]
    return Doubted(tuple(told), wrong_codes(seen))


def slips(taxonomy: Taxonomy) -> Doubles:
    """How a wrong code that is a sibling comes about, [classes, classes]: from its right class (row), each sibling (column) is as likely."""
    parents = np.array([taxonomy.group(code).parent or code for code in taxonomy.leaves])
    siblings = (parents[:, None] == parents) & ~np.eye(len(parents), dtype=bool)
    found: Doubles = siblings / siblings.sum(axis=1, keepdims=True).clip(min=1)
    return found


def likelihoods(probabilities: Doubles, slipped: Doubles, truth: Ints) -> Doubles:
    """How likely each gold class is seen in each of the CASES, [n, 3], from probabilities [n, classes] and these times `slips`.

    >>> p = np.array([[0.7, 0.2, 0.1]]); to = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0]])
    >>> likelihoods(p, p @ to, np.array([1])).round(3).tolist()
    [[0.2, 0.7, 0.4]]
    """
    at = np.arange(len(truth)), truth
    return np.stack([probabilities[at], slipped[at], (1.0 - probabilities[at]) / max(probabilities.shape[1] - 1, 1)], axis=1)


def shares(seen: Doubles, weights: Doubles) -> Doubles:
    """How often each case occurs, [resamples, 3], where record i counts `weights[:, i]` times: what is likeliest with the belief in FIRST."""
    first = np.tile(np.array(FIRST), (len(weights), 1))
    found = first
    for _ in range(STEPS):
        before = found
        found = before * ((weights / (before @ seen.T).clip(min=LEAST)) @ seen) + WORTH * first
        found /= found.sum(axis=1, keepdims=True)
        if np.abs(found - before).max() < STILL:
            break
    return found


def wrongness(seen: Doubles, found: Doubles) -> Doubles:
    """The probability that each gold code is wrong, [n], where the cases are as frequent as `found` [3] says."""
    wrong: Doubles = seen[:, 1:] @ found[1:] / (seen @ found).clip(min=LEAST)
    return wrong


def most_doubtful(wrong: Doubles, gold_probability: Doubles, rows: Ints) -> Ints:
    """Places of the codes, the most doubtful first; of codes that are as surely wrong, those of the lowest probability, then in the order of rows."""
    order: Ints = np.lexsort((rows, gold_probability, -np.round(wrong, DECIMALS)))
    return order


def suggestions(probabilities: Doubles, to: Doubles, truth: Ints, found: Doubles) -> Ints:
    """The class that each gold class most likely should be if it is wrong, [n]."""
    likely = probabilities * (found[1] * to.T[truth] + found[2] / max(probabilities.shape[1] - 1, 1))
    likely[np.arange(len(truth)), truth] = -1.0
    best: Ints = likely.argmax(axis=1)
    return best


def wrong_codes(seen: Doubles) -> Metric:
    """The share of gold codes that are wrong, as estimated, with the interval of resampled records."""
    name = "gold codes that are wrong, estimated"
    if not len(seen):
        return Metric(name, 0.0, 0.0, 1.0, 0)
    measure = Measures((Key(name),), (len(seen),), lambda weights: 1.0 - shares(seen, weights)[:, :1])
    figure = estimate([measure], len(seen), RESAMPLES, SEED)[0]
    return Metric(name, figure.value, figure.low, figure.high, figure.n)


def _doubt(taxonomy: Taxonomy, gold: Gold, reading: Reading, n: int, suggested: int, wrong: float) -> Doubt:
    row, p, leaves = int(reading.rows[n]), reading.probabilities[n], taxonomy.leaves
    mine, other = (round(float(p[c]), DECIMALS) for c in (reading.truth[n], suggested))
    why = _reason(leaves, reading, n, suggested)
    return Doubt(row, gold.jobs[row].id, gold.codes[row], leaves[suggested], round(wrong, DECIMALS), mine, other, why)


def _reason(leaves: Sequence[str], reading: Reading, n: int, suggested: int) -> str:
    """What speaks for another code than the gold code, in a sentence."""
    p, labels, cosines, truth = reading.probabilities[n], reading.labels[n], reading.cosines[n], int(reading.truth[n])
    nearest = labels[labels >= 0][:COUNTED]

    def near(c: int) -> str:
        at = np.flatnonzero(labels == c)
        return f"{int((nearest == c).sum())} of the {len(nearest)} nearest coded examples" + (
            f", the first at {cosines[at[0]]:.2f}" if len(at) else ""
        )

    told = [f"{leaves[c]} has {_percent(float(p[c]))} and {near(c)}" for c in (suggested, truth)]
    first = int(p.argmax())
    also = f"; likeliest is {leaves[first]} with {_percent(float(p[first]))}" if first not in (suggested, truth) else ""
    return "; ".join(told) + also


def _percent(p: float) -> str:
    return f"{p:.0%}" if p >= 0.095 else f"{p:.1%}" if p >= 0.001 else "less than 0.1%"
