"""Inputs of every kind that a recipe names, on a tiny classification."""

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

LEAVES = {
    "1111": ("driver", ("lorry", "truck", "van", "bus", "taxi", "tram", "crane truck", "school bus")),
    "1112": ("teacher", ("maths", "sport", "music", "history", "primary", "nursery", "biology", "art")),
    "2111": ("nurse", ("ward", "surgical", "night", "children's", "clinic", "theatre", "home", "school clinic")),
    "2112": ("cook", ("canteen", "hotel", "ship", "pizza", "hospital", "railway", "camp", "festival")),
}


@pytest.fixture
def workshop(tmp_path: Path) -> Path:
    """Inputs of every kind that a recipe names, and the recipe."""
    taxonomy = tmp_path / "taxonomy"
    taxonomy.mkdir()
    (taxonomy / "classification.toml").write_text('name = "Tiny"\nversion = "1"\nlevels = ["one", "two", "three", "four"]\n')
    codes = sorted({code[:n] for code in LEAVES for n in (1, 2, 3, 4)})
    groups = [
        {
            "code": code, "level": len(code), "parent": code[:-1], "title": LEAVES[code][0] if code in LEAVES else f"group {code}",
            "definition": f"those who are {code}", "tasks": [f"does the work of {LEAVES[code][0]}"] if code in LEAVES else [], "contrasts": [],
        }
        for code in codes
    ]  # fmt: skip
    (taxonomy / "groups.jsonl").write_text("".join(json.dumps(g) + "\n" for g in groups))
    rows = [
        {
            "isco08_code": code, "text": f"{kind} {noun}", "kind": "title", "language": "en", "source": "esco-1.2-en",
            "occupation": f"o:{noun}:{kind}", "ambiguous": False, "source_id": "",
        }
        for code, (noun, kinds) in LEAVES.items()
        for kind in kinds
    ]  # fmt: skip
    rows.append({**rows[0], "text": "ship driver", "isco08_code": "2112", "occupation": "o:a", "ambiguous": True})
    rows.append({**rows[0], "text": "ship driver", "isco08_code": "1111", "occupation": "o:a", "ambiguous": True})
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "shared.parquet")
    for folder in ("evaluation", "examples", "gold"):
        (tmp_path / folder).mkdir()
    write(tmp_path / "evaluation" / "dev.csv", [["id", "title", "duties"], ["1", "lorry driver", ""]])
    write(tmp_path / "gold" / "own.csv", [["id", "title", "duties", "industry", "code"], ["g1", "pizza cook", "", "", "2112"]])
    header = ["id", "title", "duties", "industry", "code", "register", "origin"]
    examples = [
        [
            f"x{code}-{i}",
            f"my {kind} {noun}",
            f"all day i am {noun} at the {kind}" if i % 2 else "",
            "services" if i % 4 == 0 else "",
            code,
            "survey",
            "w",
        ]
        for code, (noun, kinds) in LEAVES.items()
        for i, kind in enumerate(kinds * 4)
    ]
    write(tmp_path / "examples" / "all.csv", [header, *examples])
    names = {"shared": "shared.parquet", "taxonomy": "taxonomy", "licences": "none.csv"} | {
        n: n for n in ("evaluation", "examples", "gold")
    }
    small = "layers = 1\nhidden = 48\nheads = 4\nvocab = 400\nmax_length = 96\n"
    quick = "epochs = 2.0\nbatch = 32\nrate = 1e-3\n"
    (tmp_path / "recipe.toml").write_text(
        'name = "tiny"\nheld_out = 0.1\nreranker_layers = 1\n'
        + "".join(f'{key} = "{tmp_path / value}"\n' for key, value in names.items())
        + f"[encoder]\n{small}[distil]\n{quick}[fine_tune]\n{quick}"
        + "[words]\nbuckets = 1024\nbatch = 16\n"
        + f"[rerank_lists]\nqueries = 60\nsize = 3\n[rerank_train]\n{quick}"
    )
    return tmp_path


def write(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
