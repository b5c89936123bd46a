"""What would make hours of training worth nothing, found out before they begin."""

import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from isco_rag.errors import TrainingError
from isco_rag.taxonomy import Taxonomy
from isco_rag.train.corpus import OWN, Row
from isco_rag.train.gather import Data
from isco_rag.train.recipe import Recipe

# Checkpoints with optimiser, exports and vectors of the shipped recipe took 1.9 GB.
NEEDED_BYTES = 3_000_000_000
SHOWN = 5
# With fewer single-coded rows than this, a rare code is told in the report.
FEW = 5


def check_machine(recipe: Recipe, work: Path) -> None:
    """TrainingError where the work folder's disk is nearly full or the device that the recipe names is not there."""
    free = shutil.disk_usage(work).free
    if free < NEEDED_BYTES:
        raise TrainingError(
            f"{work}: {free / 1e9:.1f} GB are free and {NEEDED_BYTES / 1e9:.0f} are needed; make room or choose another --work"
        )
    if recipe.device.startswith("cuda") and not torch.cuda.is_available():
        raise TrainingError(
            "the recipe asks for device 'cuda' and there is none; set device = 'cpu', or leave it out to take what is there"
        )


def check_data(data: Data, taxonomy: Taxonomy, say: Callable[[str], None]) -> None:
    """TrainingError for codes that do not exist or fewer than two unit groups; conflicting codes and thin groups are said."""
    rows = data.train + data.held
    unknown = Counter(code for row in rows for code in row.codes if code not in taxonomy.leaf_number)
    if unknown:
        raise TrainingError(unknown_codes(unknown, taxonomy))
    found = Counter(row.codes[0] for row in data.train if len(row.codes) == 1)
    if len(found) < 2:
        raise TrainingError(
            f"all rows have {'one code' if found else 'no single code'}; training tells groups apart and needs rows of at least two"
        )
    conflicts = [row for row in data.train if row.source == OWN and len(row.codes) > 1]
    if conflicts:
        say(f"{len(conflicts):,} texts of your own were coded in several ways and count as partial labels ({examples(conflicts)})")
    thin = [code for code in taxonomy.leaves if found[code] < FEW]
    if thin:
        say(
            f"{len(thin)} of {len(taxonomy.leaves)} groups have fewer than {FEW} rows: {', '.join(thin[:SHOWN])}{' ...' if len(thin) > SHOWN else ''}"
        )


def unknown_codes(unknown: Counter[str], taxonomy: Taxonomy) -> str:
    """What to tell of codes that are no lowest groups."""
    shown = ", ".join(f"'{code}' ({n:,} rows)" for code, n in unknown.most_common(SHOWN))
    more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
    level = taxonomy.heading.levels[-1]
    return f"{sum(unknown.values()):,} rows have a code that is no {level} of {taxonomy.heading.name}: {shown}{more}; correct or leave out these rows"


def examples(rows: Sequence[Row]) -> str:
    """The codes of a few rows; texts of records are not shown."""
    return "; ".join("/".join(row.codes) for row in rows[:SHOWN])
