"""A report of a run: what there is to say under each of QF4SA's five questions, from queries that a person can run again.

The Quality Framework for Statistical Algorithms (Yung et al. 2022, "A quality framework for statistical algorithms", UNECE HLG-MOS) asks for
explainability, accuracy, reproducibility, timeliness and cost effectiveness.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from isco_eval.pictures import PICTURES, Row
from isco_eval.store import Store, query

# Rows of a table that a page shows; the query gives them all.
SHOWN = 40


class Block(Struct, frozen=True):
    """A table with the query that it came from, how to read it, and a picture of it, if there is one, with a text in its place."""

    query: str
    title: str
    says: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    sql: str
    picture: dict[str, Any] | None = None
    alternative: str = ""

    @property
    def records(self) -> list[Row]:
        """The rows by column name."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class Section(Struct, frozen=True):
    """One of the five questions and what answers it."""

    name: str
    question: str
    blocks: tuple[Block, ...]


class Report(Struct, frozen=True):
    """Everything that is said of a run; `notices` stand above all else."""

    run: int
    suite: str
    title: str
    bundle: str
    started: str
    trust: str
    summary: tuple[str, ...]
    notices: tuple[str, ...]
    sections: tuple[Section, ...]


# Query, title, how to read it.
Outline = Sequence[tuple[str, str, str]]
ACCURACY: Outline = (
    ("headline", "The main figures", "Percent of records. The emitted code may be shorter than a unit group where no unit group is sure enough; it is right when it agrees with the gold code down to its own level. Standing: met or missed beyond the interval, else open."),
    ("leak_effect", "With and without leakage", "The main figures, in percent but for the calibration error, without the records whose text the coder has met in its index or its training data."),
    ("leakage", "Leakage", "Gold rows whose text the coder knows: word for word, but for case, accents, punctuation, abbreviations and inversion (normalised), or but for spelling, inflection, order or a plain word (near)."),
    ("levels", "By level", "The best unit group and the groups above it; the group at each level with the largest summed probability; the mean over groups (macro); and the codes that were emitted at that very level."),
    ("hierarchical", "Hierarchical precision and recall", "Of the emitted code and the groups above it: precision falls with what is wrong, recall also with what is left unsaid by a shorter code."),
    ("major_groups", "By major group", "Accuracy of the best unit group, by the major group of the gold code. Groups 6 to 9 were promised 78 to 85 %; their mark is the lower end. Standing: met or missed beyond the interval, else open."),
    ("slices", "By kind of record", "Records apart by source or register, language, length, fields, and whether their title stands in the index."),
    ("confusions_above", "Sub-major groups most often confused", "Records whose best code lies in another group of the second level; arrows go from the gold group to the one it was coded as."),
    ("confusions", "Unit groups most often confused", "Gold group and the group it was coded as; the mean confidence says how sure the coder was of the wrong one."),
    ("shares", "What a published table would say", "Share of each group at one and two digits by gold and by the best code, if nothing were reviewed; a difference in percentage points. Errors in both directions cancel here. One interval in twenty leaves zero by chance alone."),
    ("dissimilarity", "How much of the distribution moved", "Percent of records that would have to change groups to turn the coder's distribution into that of the gold."),
    ("agreement", "Agreement of coders, and the model beside them", "Agreement beyond chance between each two coders (Cohen), among all (Fleiss, Krippendorff), and with the model as one more."),
)  # fmt: skip
EXPLAINED: Outline = (
    ("grades", "What each grade is worth", "The grade is set by the probability of the best unit group; grades low and very low emit a shorter code."),
    ("reliability", "Do the probabilities mean what they say?", "Records in ten bins by confidence. On the dashed diagonal, of the codes given 80 % confidence 80 % are right; below it the coder is too sure."),
    ("calibration", "Calibration in numbers", "Expected calibration error: mean gap between confidence and share right over 15 equally filled bins; chance alone makes it as large as the column beside it says. Brier score and log loss over all unit groups judge the whole distribution."),
    ("calibration_slices", "Calibration by kind of record", "Mean confidence of the emitted code beside the share right, in percent, and the calibration error where there are 150 records or more."),
    ("evidence", "Does the nearest coded example speak for the answer?", "An answer is easiest to explain where the nearest example in the index has its code."),
    ("conformal", "Sets that hold the right code", "How often the sets of unit groups that stand beside an answer (split conformal prediction) hold the gold code, and how large they are."),
)  # fmt: skip
REPRODUCED: Outline = (
    (
        "run",
        "What was measured, and with what",
        "With the same bundle, suite and gold file (compare the hashes) the same figures come out again.",
    ),
)
TIMELY: Outline = (("speed", "Speed", "Mean time of a record in batches, on the machine named above, everything included."),)
COST: Outline = (
    ("automation", "How much can go out untouched?", "The largest share of the records whose codes are wrong in at most so many percent, and the probability from which on. Chosen on these records: check a threshold on another sample before relying on it."),
    ("risk_coverage", "Error over share automated", "Take the surest records first: how many of them are wrong."),
    ("cost", "Minutes of trained coders for 1,000 records", "Under the stated minutes for a record coded by hand and for one reviewed; what goes out untouched is taken to cost nothing, its errors included."),
)  # fmt: skip
SECTIONS = (
    ("Accuracy", "How often is it right, and where is it not?", ACCURACY),
    ("Explainability", "Can an answer and its confidence be believed and explained?", EXPLAINED),
    ("Reproducibility", "What gives these figures again?", REPRODUCED),
    ("Timeliness", "How fast does it answer?", TIMELY),
    ("Cost effectiveness", "What work does it save?", COST),
)


def make_report(store: Store, run: int) -> Report:
    """The report of a run; tables without rows are left out."""
    about = store.rows("SELECT * FROM runs JOIN samples USING (sample) WHERE run = ?", run)[0]
    sections = []
    for name, question, outline in SECTIONS:
        blocks = [block for asked, title, says in outline if (block := _block(store, run, asked, title, says)).rows]
        if name == "Cost effectiveness":
            stated = f" Stated: {about['manual_minutes']:g} minutes by hand, {about['review_minutes']:g} for a review."
            blocks = [msgspec.structs.replace(b, says=b.says + stated) if b.query == "cost" else b for b in blocks]
        if name == "Explainability":
            blocks = [msgspec.structs.replace(b, says=f"{b.says} Sets: {about['sets']}.") if b.query == "conformal" else b for b in blocks]
        sections.append(Section(name, question, tuple(blocks)))
    return Report(
        run, about["suite"], about["title"], about["bundle"], f"{about['started']:%Y-%m-%d %H:%M} UTC", about["trust"],
        tuple(_summary(store, run)), tuple(_notices(store, run, about)), tuple(sections),
    )  # fmt: skip


def _block(store: Store, run: int, name: str, title: str, says: str) -> Block:
    columns, rows = store.ask(name, run)
    block = Block(name, title, says, tuple(columns), tuple(rows), query(name))
    if not rows or name not in PICTURES:
        return block
    plain = [{k: _plain(v) for k, v in r.items()} for r in block.records]
    return msgspec.structs.replace(block, picture=PICTURES[name](plain), alternative=_alternative(name, title, plain))


def _plain(value: Any) -> Any:
    return (
        value if value is None or isinstance(value, str | int | float | bool) else str(value) if isinstance(value, list) else float(value)
    )


def _alternative(name: str, title: str, rows: Sequence[Row]) -> str:
    """What the picture shows, in words; the table beneath has every number."""
    if name == "major_groups":
        low, high = min(rows, key=lambda r: r["top 1"]), max(rows, key=lambda r: r["top 1"])
        return f"{title}: from {low['top 1']} % in group {low['group']} to {high['top 1']} % in group {high['group']}."
    if name == "reliability":
        worst = max(rows, key=lambda r: abs(r["confidence"] - r["right"]))
        return f"{title} Widest gap: {worst['answer']}, {worst['right']} % right at {worst['confidence']} % confidence."
    if name == "risk_coverage":
        ends = [r for r in rows if r["answer"] == "unit group" and r["coverage"] in (20, 50, 100)]
        return f"{title}: of the unit groups, " + ", ".join(f"{r['error']} % wrong among the surest {r['coverage']} %" for r in ends) + "."
    if name == "confusions_above":
        first = rows[0]
        return f"{title}: first {first['gold']} coded as {first['coded']}, {first['records']} records."
    if name == "shares":
        most = max(rows, key=lambda r: abs(r["difference"]))
        return f"{title}: largest difference {most['difference']:+} points in group {most['group']} {most['title']}."
    return f"{title}: {len(rows)} rows, as in the table beneath."


def _summary(store: Store, run: int) -> list[str]:
    figures = {r["measure"]: r for r in store.rows("SELECT * FROM percents WHERE run = ? AND scope = 'all' AND slice = 'all'", run)}

    def told(name: str) -> str:
        f = figures[name]
        return f"{f['percent']} % ({f['low']} to {f['high']})"

    found = [
        f"Of {figures['top 1']['n']:,} records, {told('top 1')} got the right unit group first and {told('top 3')} among the first three.",
        f"The code that goes out is right at its own level in {told('emitted right')}.",
        f"{told('for review')} are flagged for review.",
    ]
    if "right of these" in figures:
        found.insert(2, f"{told('coded to the unit group')} go out as unit groups; {told('right of these')} of those are right.")
    kept = store.rows(
        "SELECT percent, low, high FROM percents WHERE run = ? AND scope = 'all' AND measure = 'automated' AND slice = 'unit group' AND value = '0.05'",
        run,
    )
    if kept:
        f = kept[0]
        found.append(
            f"With at most 5 % of wrong unit groups let out, {f['percent']} % ({f['low']} to {f['high']}) need no person."
            if f["percent"] > 0
            else "No probability on these records lets out unit groups of which at most 5 % are wrong."
        )
    return found


def _notices(store: Store, run: int, about: dict[str, Any]) -> list[str]:
    found = []
    leaks = store.ask("leakage", run)[1]
    if leaks:
        n = store.rows("SELECT count(DISTINCT row) AS n FROM leaks WHERE run = ?", run)[0]["n"]
        parts = ", ".join(f"{rows} {kind} in the {place}" for place, kind, rows, _ in leaks)
        found.append(
            f"Leakage: {n:,} of {about['rows']:,} gold rows have a text that the coder has met ({parts}). "
            "The figures are given with and without these rows; the names of the rows: isco-rag eval sql leaked_rows."
        )
    if about["training_checked"].startswith("not looked at"):
        found.append(f"The training data were {about['training_checked']}, so leakage was looked for in the index alone.")
    if about["repeated_same"] < about["repeated"]:
        found.append(
            f"Not reproducible: of {about['repeated']} records coded a second time, each alone, {about['repeated_same']} got the very same answer; "
            "the others got another code or another probability."
        )
    gates = msgspec.json.decode(about["gates"] or "{}", type=dict[str, float])
    for name, least, value in failed_gates(store, run, gates):
        found.append(f"Gate not passed: {name} is {100 * value:.1f} %, the suite asks for {100 * least:.1f} %.")
    if gates and not any(note.startswith("Gate") for note in found):
        found.append(
            "All gates of the suite are passed: " + ", ".join(f"{name} at least {100 * least:.0f} %" for name, least in gates.items()) + "."
        )
    return found


def failed_gates(store: Store, run: int, gates: dict[str, float]) -> list[tuple[str, float, float]]:
    """Gates that a run does not pass: the figure's name, the least value that the suite asks for, and the value found."""
    values = {
        r["measure"]: r["figure"]
        for r in store.rows("SELECT measure, figure FROM figures WHERE run = ? AND scope = 'all' AND slice = 'all'", run)
    }
    return [(name, least, values.get(name, 0.0)) for name, least in gates.items() if values.get(name, 0.0) < least]
