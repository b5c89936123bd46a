"""Cells that a spreadsheet would run as formulas, made harmless in a way that can be taken back.

A cell that begins with = + - @ (also in their wide forms, behind blanks, or with a tab or a line break) gets an apostrophe in front; so does one
that already looks like that, so that taking one apostrophe away always gives back what there was.
"""

import re

_RUNS = re.compile(r"'*(?:[ \u00a0]*[=+\-@＝＋－＠]|[\t\r\n])")


def guarded(cell: str) -> str:
    """The cell as it may stand in a file that a spreadsheet opens.

    >>> guarded("=1+1"), guarded("-5"), guarded("nurse"), guarded("'=1+1")
    ("'=1+1", "'-5", 'nurse', "''=1+1")
    """
    return "'" + cell if _RUNS.match(cell) else cell


def unguarded(cell: str) -> str:
    """What a guarded cell was; other cells as they are.

    >>> unguarded("'=1+1"), unguarded("''=1+1"), unguarded("'tis"), unguarded("=1+1")
    ('=1+1', "'=1+1", "'tis", '=1+1')
    """
    return cell[1:] if cell.startswith("'") and _RUNS.match(cell) else cell
