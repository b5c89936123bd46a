"""Which entries hold a title: a large record that is shared, and a small one of what changed since on top of it."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

# An entry's id and its leaf number.
Holder = tuple[str, int]
_NONE: Sequence[Holder] = ()


class Title(Struct, frozen=True):
    """That an entry holds a title: the title's key, the entry's id and leaf number."""

    key: str
    id: str
    label: int


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

        >>> titles = Titles(titles_of([Title("cook", "b", 5)])).after([Title("cook", "a", 7), Title("chef", "c", 5)], [Title("cook", "b", 5)])
        >>> titles["cook"], titles["chef"], titles["baker"]
        ([('a', 7)], [('c', 5)], ())
        """
        changed = dict(self.changed)
        for title in came:
            changed[title.key] = sorted([*(changed[title.key] if title.key in changed else self[title.key]), (title.id, title.label)])
        for title in went:
            held = changed[title.key] if title.key in changed else self[title.key]
            changed[title.key] = [holder for holder in held if holder[0] != title.id]
        return Titles(self.base, changed)


def titles_of(titles: Iterable[Title]) -> dict[str, Sequence[Holder]]:
    """The entries of each title, by id."""
    found: dict[str, list[Holder]] = {}
    for title in titles:
        found.setdefault(title.key, []).append((title.id, title.label))
    for holders in found.values():
        if len(holders) > 1:
            holders.sort()
    return dict(found)
