"""What is printed, on narrow and wide terminals."""

from io import StringIO

import pytest
from rich.console import Console

from isco_rag import show
from isco_rag.types import Candidate, Job, Prediction


@pytest.mark.parametrize("width", [72, 80, 132])
def test_code_and_grade_are_seen_on_every_width(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    out = StringIO()
    monkeypatch.setattr(show, "console", lambda: Console(file=out, width=width, highlight=False))
    top = (Candidate("7223", "Metal Working Machine Tool Setters and Operators", 0.9999),)
    p = Prediction("", "7223", top[0].title, 4, 0.9999, "very_high", False, top, "", "b")
    show.show_table([(Job("CNC machinist, five axes, aerospace parts, nights"), p)])
    line = next(line for line in out.getvalue().splitlines() if "CNC" in line)
    assert " 7223 " in line
    assert "99% very high" in line
    assert len(line) <= width
