"""How often strings stand for leaves, and what changed since: a large count that is shared, and a small one on top of it."""

from collections.abc import Iterable, Mapping

Counts = Mapping[int, int]
_NOTHING: Counts = {}


class Tally:
    """Counts of leaf numbers by key: `base`, and in `changed` the whole counts of keys whose counts are no longer those of the base."""

    def __init__(self, base: Mapping[str, Counts], changed: Mapping[str, Counts] | None = None) -> None:
        self.base, self.changed = base, changed or {}

    def __getitem__(self, key: str) -> Counts:
        """How often a key stands for each leaf; empty where it stands for none."""
        found = self.changed.get(key)
        return self.base.get(key, _NOTHING) if found is None else found

    def after(self, added: Iterable[tuple[str, int]], removed: Iterable[tuple[str, int]]) -> "Tally":
        """The tally after these keys and leaves came in and those went out; an empty key counts for nothing.

        >>> tally = Tally(tally_of([("cook", 5), ("cook", 5)])).after([("cook", 7), ("chef", 5), ("", 1)], [("cook", 5)])
        >>> tally["cook"], tally["chef"], tally[""]
        ({5: 1, 7: 1}, {5: 1}, {})
        """
        changed = dict(self.changed)
        for sign, pairs in ((1, added), (-1, removed)):
            for key, label in pairs:
                if key:
                    counts = dict(changed[key] if key in changed else self.base.get(key, _NOTHING))
                    counts[label] = counts.get(label, 0) + sign
                    changed[key] = {k: n for k, n in counts.items() if n > 0}
        return Tally(self.base, changed)


def tally_of(pairs: Iterable[tuple[str, int]]) -> dict[str, Counts]:
    """How often each key stands for each leaf; an empty key counts for nothing."""
    found: dict[str, dict[int, int]] = {}
    for key, label in pairs:
        if key:
            counts = found.setdefault(key, {})
            counts[label] = counts.get(label, 0) + 1
    return dict(found)
