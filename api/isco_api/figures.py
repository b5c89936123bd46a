"""Figures of people's decisions, worked out anew only where somebody has decided something since, and what to learn next from them."""

from collections import Counter
from time import monotonic

from msgspec import Struct

from isco_api.engine import Engine
from isco_rag.learn.plan import Challenge, plan
from isco_rag.store import audit, quality, tallies
from isco_rag.store.database import Store
from isco_rag.store.quality import Decided, Quality
from isco_rag.taxonomy import Taxonomy

# Of so many first days at most; the pages offer four.
KEPT = 8
# What was answered is counted all the time, so a plan is as good as this old.
PLAN_SECONDS = 60.0
# Challenges that anybody may ask for at once.
MOST = 500


class _Plan(Struct, frozen=True):
    made: float
    decided: Decided
    challenges: tuple[Challenge, ...]


class Figures:
    """The figures since a day. What they rest on is read anew where the audit trail has a new row, whichever process wrote it."""

    def __init__(self, store: Store, engine: Engine) -> None:
        self.store, self.engine = store, engine
        self._decided: dict[tuple[str, str], tuple[int, Decided]] = {}
        self._plans: dict[tuple[str, str], _Plan] = {}

    def decided(self, taxonomy: Taxonomy, since: str) -> Decided:
        """What people's decisions since a day come to."""
        place = self.engine.name, since
        with self.store.read() as db:
            # Read before the rest: a decision that comes between is in the figures, and they are worked out once more than needed.
            last = audit.last(db)
            number, found = self._decided.get(place, (-1, None))
            if found is None or number != last:
                found = quality.decided(db, taxonomy, since)
                if len(self._decided) >= KEPT:
                    self._decided.clear()
                self._decided[place] = last, found
        return found

    def quality(self, since: str) -> Quality:
        """The figures of the quality page."""
        taxonomy = self.engine.taxonomy
        known = self.decided(taxonomy, since)
        with self.store.read() as db:
            return quality.measure(db, taxonomy, since, known)

    def plan(self, since: str) -> tuple[Challenge, ...]:
        """What to learn next, the costliest first: as people have decided by now, and as was answered up to a minute ago."""
        classifier, place = self.engine.one, (self.engine.name, since)
        known, kept = self.decided(classifier.taxonomy, since), self._plans.get(place)
        if kept is None or kept.decided is not known or monotonic() - kept.made > PLAN_SECONDS:
            with self.store.read() as db:
                coded = tallies.coded_by(db, since)
            entries = Counter(entry.code for entry in classifier.parts.index.entries)
            kept = _Plan(monotonic(), known, plan(classifier.taxonomy, known.reviewed, coded, entries, MOST))
            if len(self._plans) >= KEPT:
                self._plans.clear()
            self._plans[place] = kept
        return kept.challenges
