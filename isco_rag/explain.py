"""Why a job got its code: definition, tasks and nearest coded examples of each of the top codes, and what speaks against the runner-up."""

from collections.abc import Sequence

from isco_rag.classify import Classifier
from isco_rag.types import Candidate, Evidence, Explanation, Hit, Job, Prediction

NEAREST = 3
# The coverage of the set of codes that an explanation names.
LIKELY = 0.9
# Enough rows that each of the three likeliest of 436 unit groups shows its nearest ones; the rest of the index is far away.
LOOK_AT = 2000


def explain(classifier: Classifier, job: Job) -> Explanation:
    """The prediction for one job with its evidence; no evidence where the job can't be coded."""
    prediction = classifier.classify([job])[0]
    if not prediction.top:
        return Explanation(prediction, (), ())
    hits = _hits(classifier, job)
    evidence = tuple(_evidence(classifier, candidate, hits) for candidate in prediction.top)
    likely = classifier.sets([job], LIKELY)[0] if classifier.parts.conformal else ()
    return Explanation(prediction, evidence, tuple(_why_not(classifier, prediction, evidence)), likely)


def _hits(classifier: Classifier, job: Job) -> list[Hit]:
    """Entries by nearness to the job, ties by id; an entry's score is the best of its rows against the job's texts."""
    texts = classifier.prepare(job)
    queries = [t for t in (texts.title, texts.duties) if t]
    cosines, numbers = classifier.parts.index.search(classifier.parts.encoder.encode(queries), LOOK_AT)
    best: dict[int, float] = {}
    for cosine, number in zip(cosines.ravel().tolist(), numbers.ravel().tolist(), strict=True):
        if number >= 0 and cosine > best.get(number, -1.0):
            best[number] = cosine
    entries = classifier.parts.index.entries
    hits = [(score, entries[i]) for i, score in best.items()]
    return [Hit(entry, round(min(score, 1.0), 4)) for score, entry in sorted(hits, key=lambda hit: (-hit[0], hit[1].id))]


def _evidence(classifier: Classifier, candidate: Candidate, hits: Sequence[Hit]) -> Evidence:
    group = classifier.taxonomy.group(candidate.code)
    own = [hit for hit in hits if hit.entry.code == candidate.code and hit.entry.title]
    return Evidence(
        candidate.code, candidate.title, candidate.probability, group.definition, group.tasks, tuple(own[:NEAREST])
    )  # fmt: skip


def _why_not(classifier: Classifier, prediction: Prediction, evidence: Sequence[Evidence]) -> list[str]:
    """Sentences that set the first code against the second: the classification's own line between them, then the neighbours."""
    first, second = evidence[0], evidence[1]
    reasons = []
    for here, there in ((second, first), (first, second)):
        for contrast in classifier.taxonomy.group(here.code).contrasts:
            if contrast.code == there.code:
                reasons.append(f"not in {here.code} but in {there.code}: {contrast.text}")
    near_first = first.nearest[0].score if first.nearest else 0.0
    near_second = second.nearest[0].score if second.nearest else 0.0
    if near_first >= near_second:
        reasons.append(
            f"the nearest coded example of {first.code} is nearer ({near_first:.2f}) than that of {second.code} ({near_second:.2f})"
        )
    else:
        reasons.append(
            f"the nearest coded example of {second.code} is nearer ({near_second:.2f} against {near_first:.2f}), "
            f"but all evidence together makes {first.code} likelier ({first.probability:.0%} against {second.probability:.0%})"
        )
    if prediction.code not in (first.code, ""):
        together = sum(e.probability for e in evidence if classifier.taxonomy.ancestor(e.code, prediction.level) == prediction.code)
        reasons.append(
            f"no unit group is sure enough to go out alone; {together:.0%} lie on those of the three that belong to "
            f"{prediction.code} {prediction.title}, which is emitted"
        )
    return reasons
