"""Titles as people mistype, shorten and dress them, and titles that nobody has: what training reads beside the clean ones.

Every change is drawn from a generator and keeps what the work is: no word that names another occupation comes in, and a title of one word
is never dropped. Place names and terms are the project's own list.
"""

import random
import string
from collections.abc import Sequence

_BEFORE = (
    "senior", "junior", "lead", "experienced", "qualified", "trainee", "graduate", "temporary", "casual", "permanent", "relief", "certified",
    "bilingual", "entry level", "night shift", "weekend", "seasonal", "head office", "mobile", "interim", "deputy", "principal",
)  # fmt: skip
_AFTER = (
    "ii", "iii", "1", "2", "level 2", "grade 3", "night shift", "days", "evenings", "weekends", "nights", "shift work", "3 months contract",
    "contract", "temporary", "fixed term", "maternity cover", "self employed", "own business", "various locations", "north", "south region",
    "per diem", "prn", "on site", "walk in interview", "x2", "small company", "large company", "government", "private sector", "city centre",
)  # fmt: skip
_PLACES = (
    "london", "leeds", "manchester", "dublin", "glasgow", "cardiff", "new york", "chicago", "houston", "dallas tx", "phoenix", "toronto",
    "vancouver", "sydney", "melbourne", "perth", "auckland", "wellington", "singapore", "kuala lumpur", "penang", "johor", "manila", "cebu",
    "jakarta", "mumbai", "delhi", "chennai", "karachi", "lahore", "dhaka", "colombo", "dubai", "doha", "lagos", "abuja", "accra", "nairobi",
    "kampala", "lusaka", "harare", "johannesburg", "cape town", "durban", "kingston", "nassau", "port louis", "suva", "malta", "gibraltar",
)  # fmt: skip


def mistyped(word: str, rng: random.Random) -> str:
    """The word with one slip of the fingers: a letter left out, doubled, swapped with the next or struck wrongly; short words stay."""
    if len(word) < 4:
        return word
    i = rng.randrange(1, len(word) - 1)
    slip = rng.randrange(4)
    if slip == 0:
        return word[:i] + word[i + 1 :]
    if slip == 1:
        return word[:i] + word[i] + word[i:]
    if slip == 2:
        return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    return word[:i] + rng.choice(string.ascii_lowercase) + word[i + 1 :]


def shortened(word: str, rng: random.Random) -> str:
    """The head of a long word, with a full stop or without: "mainten." for "maintenance"; short words stay."""
    if len(word) < 7:
        return word
    return word[: rng.randrange(4, len(word) - 1)] + rng.choice(("", "."))


def dressed(title: str, rng: random.Random) -> str:
    """The title as a vacancy or an answer dresses it: a rank before it, a shift, a contract or a place behind it."""
    way = rng.randrange(4)
    if way == 0:
        return f"{rng.choice(_BEFORE)} {title}"
    if way == 1:
        return f"{title} {rng.choice(('-', '(', ''))} {rng.choice(_AFTER)}".replace("  ", " ")
    if way == 2:
        return f"{title} {rng.choice(('-', 'in', ',', ''))} {rng.choice(_PLACES)}".replace("  ", " ")
    return f"{rng.choice(_BEFORE)} {title} - {rng.choice(_PLACES)}"


def inverted(title: str) -> str:
    """The title as an index prints it, noun first: "driver, heavy truck".

    >>> inverted("heavy truck driver"), inverted("cook")
    ('driver, heavy truck', 'cook')
    """
    *before, noun = title.split(" ")
    return f"{noun}, {' '.join(before)}" if before else title


def varied(title: str, rng: random.Random, share: float) -> str:
    """The title, a `share` of the time changed in one way: mistyped, shortened, dressed, inverted, or with a word of three left out."""
    if not title or rng.random() >= share:
        return title
    words = title.split(" ")
    at = rng.randrange(len(words))
    way = rng.random()
    if way < 0.3:
        words[at] = mistyped(words[at], rng)
    elif way < 0.4:
        words[at] = shortened(words[at], rng)
    elif way < 0.75:
        return dressed(title, rng)
    elif way < 0.85:
        return inverted(title)
    elif len(words) > 2:
        del words[rng.randrange(len(words) - 1)]
    return " ".join(words)


def imagined(words: Sequence[str], titles: Sequence[str], crossed: int, rng: random.Random) -> list[str]:
    """Titles that are made up: each word alone, before the last word of a title and beside or in place of one, then `crossed` pairs of titles.

    They carry words that no coded text has; what work they stand for only a tutor can say.
    """
    parts = [title.split() for title in titles]
    found = []
    for word in words:
        found.append(word)
        found.append(f"{word} {rng.choice(parts)[-1]}")
        title = rng.choice(parts)
        in_place = len(title) > 1 and rng.random() < 0.5
        found.append(" ".join((*title[:-1], word)) if in_place else f"{word} {' '.join(title)}")
    for _ in range(crossed):
        first, second = rng.choice(parts), rng.choice(parts)
        found.append(f"{' '.join(first[:-1]) or first[0]} {second[-1]}")
    return found
