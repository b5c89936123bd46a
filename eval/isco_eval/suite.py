"""What is measured: a gold file, how its columns are to be read, how far it can be trusted, and the gates that it must pass.

A suite is a TOML file. Its gold is named relative to the suite, or as "data:NAME" inside the data that the project ships. Shipped suites
lie in eval/suites, a user's own in suites/ of the current folder; a CSV file is measured as a suite of its own.
"""

import hashlib
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct, field

from isco_rag.bundle import file_hash
from isco_rag.errors import EvaluationError, UsageError
from isco_rag.wiring import data_folder

OWN = Path("suites")
# Between the id of an index entry and what of it a record is made of, where a suite leaves out the entries that are its records.
PART = "#"
_PACKAGE = Path(__file__).resolve().parent


class Columns(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Names of the gold file's columns; those left empty are guessed. `coders` are columns with the codes of several coders."""

    id: str = ""
    title: str = ""
    duties: str = ""
    industry: str = ""
    code: str = ""
    language: str = ""
    coders: tuple[str, ...] = ()


class Cost(Struct, frozen=True, forbid_unknown_fields=True):
    """Minutes of a trained coder: for a record coded by hand, and for one reviewed with the three likeliest unit groups at hand.

    2.5 is the middle of the two to three minutes that coding by hand takes; a review is taken to cost no less until it is timed.
    """

    manual_minutes: Annotated[float, Meta(ge=0)] = 2.5
    review_minutes: Annotated[float, Meta(ge=0)] = 2.5


class Suite(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One gold file and how to measure on it; `slices` names columns by which figures are given apart, `gates` least values of figures.

    With `leave_out`, index entries whose id is a record's are taken out before it is coded: held-out examples that have joined the index since.
    """

    name: str
    gold: str
    title: str = ""
    trust: str = ""
    sha256: str = ""
    limit: Annotated[int, Meta(ge=0)] = 0
    seed: int = 8
    resamples: Annotated[int, Meta(ge=100, le=100_000)] = 1000
    columns: Columns = field(default_factory=Columns)
    slices: dict[str, str] = {}
    gates: dict[str, float] = {}
    cost: Cost = field(default_factory=Cost)
    leave_out: bool = False
    # Where the suite stands; gold files are named relative to it.
    folder: str = ""

    @property
    def path(self) -> Path:
        """The gold file."""
        if self.gold.startswith("data:"):
            return data_folder() / self.gold.removeprefix("data:")
        return (Path(self.folder) / self.gold).resolve()

    @property
    def digest(self) -> str:
        """A hash over everything that decides which records are measured and how; what is said and asked of the figures is no part of it."""
        settled = msgspec.structs.replace(self, folder="", title="", trust="", gates={}, cost=Cost())
        return hashlib.sha256(msgspec.json.encode(settled, order="sorted")).hexdigest()

    def check(self) -> str:
        """The hash of the gold file; EvaluationError where it is not the one that the suite was made for."""
        found = file_hash(self.path)
        if self.sha256 and found != self.sha256:
            raise EvaluationError(
                f"{self.path}: changed since the suite '{self.name}' was made for it (the suite names the hash {self.sha256}, the file has {found}); "
                "restore the file, or make the suite anew with: isco-rag eval add --force"
            )
        return found


def suite_folders() -> tuple[Path, ...]:
    """Where suites are looked for by name, the user's own first."""
    inside = _PACKAGE / "_suites"
    return OWN, inside if inside.is_dir() else _PACKAGE.parent / "suites"


def all_suites() -> Iterator[Suite]:
    """Every suite that can be named, by name; of two with one name, the user's own."""
    found: dict[str, Path] = {}
    for folder in reversed(suite_folders()):
        found.update({path.stem: path for path in sorted(folder.glob("*.toml"))})
    for _, path in sorted(found.items()):
        yield load_suite(path)


def find_suite(named: str) -> Suite:
    """The suite that a word on the command line means: a name, a TOML file, or a gold file in CSV."""
    path = Path(named)
    if path.suffix == ".toml":
        return load_suite(path)
    if path.exists() and path.is_file():
        return Suite(path.stem, str(path.resolve()), title=f"the file {path.name}")
    for folder in suite_folders():
        if (folder / f"{named}.toml").is_file():
            return load_suite(folder / f"{named}.toml")
    known = ", ".join(suite.name for suite in all_suites())
    raise UsageError(f"'{named}' is no suite and no file; suites are: {known}; a sample of your own becomes one with: isco-rag eval add")


def load_suite(path: Path) -> Suite:
    """The suite in a TOML file; UsageError where it is missing or holds what no suite has."""
    try:
        loaded = msgspec.convert({"name": path.stem, **tomllib.loads(path.read_text(encoding="utf-8"))}, Suite)
    except OSError as error:
        raise UsageError(f"{path}: can't be read ({error.strerror}); check the path of the suite") from None
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}; see docs/guide/evaluation.md for what a suite can hold") from None
    return msgspec.structs.replace(loaded, folder=str(path.resolve().parent))


def write_suite(suite: Suite, folder: Path, *, force: bool = False) -> Path:
    """Writes the suite to NAME.toml in `folder`; UsageError where one of that name is there already."""
    path = folder / f"{suite.name}.toml"
    if path.exists() and not force:
        raise UsageError(f"{path}: exists already; choose another name with --name or add --force")
    folder.mkdir(parents=True, exist_ok=True)
    plain = {k: v for k, v in msgspec.to_builtins(suite).items() if k not in ("name", "folder")}
    scalars = [f"{key} = {_toml(value)}" for key, value in plain.items() if not isinstance(value, dict)]
    tables = [
        "\n".join([f"\n[{key}]", *(f"{_toml(k)} = {_toml(v)}" for k, v in value.items())])
        for key, value in plain.items()
        if isinstance(value, dict)
    ]
    path.write_text("\n".join([*scalars, *tables]) + "\n", encoding="utf-8")
    return path


def _toml(value: object) -> str:
    """A TOML literal; JSON's strings, numbers and lists are TOML's too."""
    return msgspec.json.encode(value).decode()
