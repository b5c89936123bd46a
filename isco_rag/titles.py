"""Which entries hold a title: a large record that is shared, and a small one of what changed since on top of it."""

from collections.abc import Iterable, Mapping, Sequence

# An entry's id and its leaf number.
Holder = tuple[str, int]
# That an entry holds a title: the title's key, the entry's id and leaf number.
Title = tuple[str, str, int]
_NONE: Sequence[Holder] = ()


class Titles:
    """The entries of each title by the title's key, by id: those of `base`, but of `changed` where the key stands there."""

    def __init__(self, base: Mapping[str, Sequence[Holder]], changed: Mapping[str, Sequence[Holder]] | None = None) -> None:
        self.base, self.changed = base, changed or {}

    def __getitem__(self, key: str) -> Sequence[Holder]:
        """The entries that hold a title; none where it is not known."""
        found = self.changed.get(key)
        return self.base.get(key, _NONE) if found is None else found

    def counts(self, key: str) -> dict[int, int]:
        """How often a title stands for each leaf."""
        found: dict[int, int] = {}
        for _, label in self[key]:
            found[label] = found.get(label, 0) + 1
        return found

    def after(self, came: Iterable[Title], went: Iterable[Title]) -> "Titles":
        """The record after some came and some went.

        >>> titles = Titles(titles_of([("cook", "b", 5)])).after([("cook", "a", 7), ("chef", "c", 5)], [("cook", "b", 5)])
        >>> titles["cook"], titles["chef"], titles["baker"]
        ([('a', 7)], [('c', 5)], ())
        """
        changed = dict(self.changed)
        for key, identity, label in came:
            changed[key] = sorted([*(changed[key] if key in changed else self[key]), (identity, label)])
        for key, identity, _ in went:
            changed[key] = [holder for holder in (changed[key] if key in changed else self[key]) if holder[0] != identity]
        return Titles(self.base, changed)


def titles_of(titles: Iterable[Title]) -> dict[str, Sequence[Holder]]:
    """The entries of each title, by id."""
    found: dict[str, list[Holder]] = {}
    for key, identity, label in titles:
        found.setdefault(key, []).append((identity, label))
    for holders in found.values():
        if len(holders) > 1:
            holders.sort()
    return dict(found)
