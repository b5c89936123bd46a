"""Tables of corrections taken in: the good rows in, the bad ones in a report, nothing lost or twice when it is killed anywhere."""

import csv
import os
import random
import re
import signal
from collections import Counter
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import event

from isco_rag.correcting import begin_import, export, import_table
from isco_rag.correction_tables import Table, as_csv, open_table
from isco_rag.errors import ConflictError, InputError, UsageError
from isco_rag.learn.suspects import Known, known_titles
from isco_rag.settings import Holding, Settings
from isco_rag.store import audit, corrections, imports
from isco_rag.store.database import Store, open_store
from isco_rag.store.records import Import
from isco_rag.tables import read_form
from isco_rag.types import Job, Prediction
from tests.fakes import tiny_entries, tiny_taxonomy
from tests.store.records import prediction

TREE = tiny_taxonomy()
KNOWN = known_titles(tiny_entries())


class Answering:
    """Says truck to everything, and counts what it was asked."""

    taxonomy = TREE
    settings = Settings()

    def __init__(self) -> None:
        self.asked = 0

    def classify(self, jobs: list[Job]) -> list[Prediction]:
        self.asked += len(jobs)
        return [prediction() for _ in jobs]


def table(path: Path, rows: list[list[str]], header: str = "title,code", **chosen: str) -> Table:
    path.write_text(header + "\n" + "".join(",".join(row) + "\n" for row in rows), encoding="utf-8")
    return open_table(path, path.name, read_form(path), chosen, attributed=True)


def take_in(store: Store, given: Table, classifier: Any = None, known: Known = KNOWN) -> Import:
    return import_table(store, classifier or Answering(), known, "ann", given, begin_import(store, "ann", given), lambda _: None)


def report(store: Store, number: int) -> list[list[str]]:
    with store.read() as db:
        return list(csv.reader(StringIO(imports.report(db, number))))[1:]


def standing(store: Store) -> Counter[tuple[str, str, str, str]]:
    with store.read() as db:
        return Counter((c.job.title, c.code, c.state, c.by) for c in corrections.listed(db, limit=100_000))


def test_good_rows_go_in_and_each_other_row_is_reported_with_its_reason(store: Store, tmp_path: Path) -> None:
    rows = [
        ["van man", "truck"], ["Van man!", "truck"], ["nurse", "9999"], ["", "taxi"], ["baker", ""], ["n/a", "taxi"], ["coach", "A-road"],
        ["coach", "sport"], ["taxi driver", "maths"], ["guard " * 10_000, "taxi"],
    ]  # fmt: skip
    with store.write() as db:
        corrections.add(db, TREE, "eve", "api", Job("coach"), "taxi")
    done = take_in(store, table(tmp_path / "a.csv", rows))
    assert done.counts == {"active": 1, "disputed": 2, "held": 1, "repeated": 1, "rejected": 5}
    found = report(store, done.id)
    assert [(row, fate) for row, fate, *_ in found] == [
        ("4", "rejected"), ("5", "rejected"), ("6", "rejected"), ("7", "rejected"), ("8", "disputed"), ("9", "disputed"), ("10", "held"), ("11", "rejected"),
    ]  # fmt: skip
    assert "no code '9999'" in found[0][2]
    assert found[0][3:] == ["nurse", "9999"]
    assert "needs a title" in found[1][2]
    assert "needs a code" in found[2][2]
    assert "correction 1 (taxi, eve)" in found[4][2]
    assert found[6][2] == "the index has this very title under taxi"
    assert "60,000 characters" in found[7][2]
    assert len(found[7][3]) == 60_000
    with store.read() as db:
        assert audit.verify(db)
        assert all(c.answered and c.bundle == "tiny" for c in corrections.listed(db, import_id=done.id))


def test_ten_thousand_rows_with_thirty_bad_ones(tmp_path: Path) -> None:
    store, rng = open_store(tmp_path / "state"), random.Random(1)
    rows = [[f"job number {i}", rng.choice(TREE.leaves)] for i in range(10_000)]
    bad = sorted(rng.sample(range(10_000), 30))
    for i in bad:
        rows[i] = rng.choice([["", "taxi"], ["job", "nope"], ["job", ""]])
    done = take_in(store, table(tmp_path / "a.csv", rows))
    assert done.counts == {"active": 9970, "rejected": 30}
    assert [int(row[0]) - 2 for row in report(store, done.id)] == bad


def test_the_same_file_again_changes_nothing_and_asks_the_model_nothing(store: Store, tmp_path: Path) -> None:
    given = table(tmp_path / "a.csv", [[f"job {i}", "taxi"] for i in range(20)])
    take_in(store, given)
    before, again = standing(store), Answering()
    assert take_in(store, given, again).counts == {"already": 20}
    assert (standing(store), again.asked) == (before, 0)


def test_a_batch_that_turns_a_group_round_waits_and_the_rest_goes_in(store: Store, tmp_path: Path) -> None:
    rows = [[f"hauls way {i}", "sport"] for i in range(15)] + [[f"hauls {i}", "truck"] for i in range(3)] + [["plays", "taxi"]]
    # The model takes everything for truck, and is less sure than the settings ask; so the settings are taken down for once.
    sure = Answering()
    sure.settings = msgspec.structs.replace(Settings(), holding=Holding(sure=0.3))
    done = take_in(store, table(tmp_path / "a.csv", rows), sure, Known({}, Counter()))
    assert done.counts == {"held": 15, "active": 4}
    assert report(store, done.id)[0][2] == "ann moves 15 of 19 texts that the model takes for truck to sport"
    assert take_in(store, table(tmp_path / "b.csv", [*rows[:3], ["hauls on", "sport"]]), sure, Known({}, Counter())).counts == {
        "already": 3,
        "active": 1,
    }


def killed(folder: Path, url: str, given: Table, after: int) -> bool:
    """Takes a table in, in a process that kills itself at a statement or commit; whether it came to that."""
    pid = os.fork()
    if pid == 0:
        try:
            store = open_store(folder, url)
            left = [after]

            def count(*_: object) -> None:
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

            event.listen(store.engine, "before_cursor_execute", count)
            event.listen(store.engine, "commit", count)
            take_in(store, given)
            os._exit(0)
        except BaseException:
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code in (0, -signal.SIGKILL), code
    return code != 0


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_killed_anywhere_it_goes_on_and_comes_to_the_same(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("isco_rag.correcting.CHUNK", 8)
    rng = random.Random(7)
    rows = [[f"job {rng.randrange(70)}", rng.choice(("taxi", "truck", "sport", "nope")), rng.choice(("bob", ""))] for _ in range(90)]
    given = table(tmp_path / "a.csv", rows, "title,code,by")
    whole = open_store(tmp_path / "whole")
    expected = take_in(whole, given)
    url = request.getfixturevalue("postgres_server").database() if kind == "postgresql" else ""
    open_store(tmp_path / "state", url).close()
    kills = 0
    while killed(tmp_path / "state", url, given, rng.randrange(5, 120)):
        kills += 1
    store = open_store(tmp_path / "state", url)
    assert kills > 3
    assert standing(store) == standing(whole)
    with store.read() as db:
        found = imports.listed(db)
        assert [(one.counts, one.state) for one in found] == [(expected.counts, "done")]
        steps = [step.id for step in corrections.changes_after(db, 0, 10_000)]
        assert steps == list(range(1, len(steps) + 1))
        audit.verify(db)
        actions = Counter(row.action for row in audit.rows(db))
        assert actions == {"import.begin": 1, "import.finish": 1, "correction.add": sum(standing(store).values())}
    # PostgreSQL gives no number twice, also where a kill took back what had it.
    numbered = re.compile(r"correction \d+")
    said, wanted = (
        [[numbered.sub("n", cell) for cell in row] for row in report(s, n)] for s, n in ((store, found[0].id), (whole, expected.id))
    )
    assert said == wanted
    store.close()


def test_two_processes_do_not_take_the_same_file_in_at_once(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isco_rag.correcting.CHUNK", 4)
    given = table(tmp_path / "a.csv", [[f"job {i}", "taxi"] for i in range(12)])
    begun = begin_import(store, "ann", given)

    def other(_: int) -> None:
        with store.read() as db:
            now = imports.one(db, begun.id)
        if now.done == 4:
            import_table(store, Answering(), KNOWN, "ann", given, now, lambda _: None)  # type: ignore[arg-type]

    with pytest.raises(ConflictError, match="elsewhere"):
        import_table(store, Answering(), KNOWN, "ann", given, begun, other)  # type: ignore[arg-type]
    assert len(standing(store)) == 12


def test_what_is_exported_comes_back_the_same(store: Store, tmp_path: Path) -> None:
    for title, code in (("=1+1", "taxi"), ("a;b, c", "A-road"), ("'tis", "sport"), ("driver", "truck")):
        with store.write() as db:
            corrections.add(db, TREE, "eve", "api", Job(title, "drives\nand waits", "transport", language="en"), code, reason="=so")
    with store.write() as db:
        corrections.revert(db, "eve", 4)
    path = tmp_path / "out.csv"
    path.write_text("".join(export(store, "")), encoding="utf-8", newline="")
    other = open_store(tmp_path / "other")
    done = take_in(other, open_table(path, "out.csv", read_form(path), {}, attributed=True))
    assert done.counts == {"active": 3, "rejected": 1}
    with other.read() as db, store.read() as first:
        came, went = corrections.listed(db), corrections.listed(first, state="active")
    assert [(c.job, c.code, c.by, c.reason) for c in came] == [(c.job, c.code, c.by, c.reason) for c in went]
    assert "taken back where it was exported" in report(other, done.id)[0][2]
    other.close()


def test_columns_are_found_and_the_machines_codes_are_not_taken_for_the_peoples(tmp_path: Path) -> None:
    both = table(tmp_path / "a.csv", [["cook", "1", "2", "b"]], "Job Title,isco_code,final_code,isco_bundle")
    assert (both.columns["title"], both.columns["code"]) == (0, 2)
    with pytest.raises(UsageError, match="holds the machine's codes"):
        table(tmp_path / "b.csv", [["cook", "1", "b"]], "title,isco_code,isco_bundle")
    assert table(tmp_path / "b.csv", [["cook", "1", "b"]], "title,isco_code,isco_bundle", code="isco_code").columns["code"] == 1
    with pytest.raises(InputError, match="no column with codes"):
        table(tmp_path / "c.csv", [["cook", "1"]], "title,what")
    with pytest.raises(UsageError, match="no column 'Code'"):
        table(tmp_path / "c.csv", [["cook", "1"]], "title,what", code="Code")
    with pytest.raises(InputError, match="job title"):
        table(tmp_path / "c.csv", [["1", "2"]], "code,what")


def test_another_content_or_another_column_is_another_import(tmp_path: Path) -> None:
    one = table(tmp_path / "a.csv", [["cook", "1", "2"]], "title,code,other")
    assert table(tmp_path / "b.csv", [["cook", "1", "2"]], "title,code,other").digest == one.digest
    assert table(tmp_path / "b.csv", [["cook", "1", "2"]], "title,code,other", code="other").digest != one.digest
    assert table(tmp_path / "b.csv", [["cook", "1", "3"]], "title,code,other").digest != one.digest


def test_a_long_report_says_what_it_leaves_out() -> None:
    text = "".join(as_csv(("row",), ([str(i)] for i in range(100)), 20))
    assert len(text) < 200
    assert "more rows" in text
