"""What the evaluation's commands open before they measure: suites, and a bundle with all that is known of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isco_rag.commands.options import chosen_settings

if TYPE_CHECKING:
    from isco_eval.run import Bench
    from isco_eval.suite import Suite

DB_OPTION = click.option(
    "--db", "database", type=click.Path(path_type=Path), default=Path("output") / "evaluation.duckdb", show_default=True, envvar="ISCO_RAG_EVALUATION",
    help="The evaluation database.",
)  # fmt: skip


def present(names: tuple[str, ...], limit: int) -> list["Suite"]:
    """The suites that names mean, less those whose gold is not here; a notice names these, AbsentError if none is left."""
    import msgspec

    from isco_eval.gold import guessed_slices
    from isco_eval.suite import find_suite
    from isco_rag.errors import AbsentError

    found = [find_suite(name) for name in dict.fromkeys(names)]
    absent = [suite for suite in found if not suite.path.is_file()]
    for suite in absent:
        click.echo(f"{suite.name}: left out, its gold file is not on this machine ({suite.path}){_made(suite.path)}", err=True)
    # A plain file says by its header what is worth telling apart; a suite says it itself.
    here = [
        suite if suite.folder else msgspec.structs.replace(suite, slices=guessed_slices(suite.path))
        for suite in found
        if suite not in absent
    ]
    if not here:
        raise AbsentError(
            f"nothing was measured: the gold of {', '.join(s.name for s in absent)} is not on this machine; name a suite whose file is here"
        )
    return [msgspec.structs.replace(suite, limit=limit) if limit else suite for suite in here]


def _made(path: Path) -> str:
    """How to make a gold file that is made from a bundle's training data."""
    return "; where the bundle's training data are, make it with: isco-rag eval held" if path.parent.name == "held" else ""


def open_bench(
    store: Any, suites: list["Suite"], bundle: Path | None, settings_file: Path | None, index_also: Path | None = None, training_file: Path | None = None, *,
    calibration: Path | None = None, look: bool = True, keep_texts: bool = False,
) -> "Bench":  # fmt: skip
    from isco_eval.gold import read_suite, read_titles
    from isco_eval.leakage import Texts
    from isco_eval.run import Bench
    from isco_eval.training import Training, open_training
    from isco_rag.bundle import read_manifest
    from isco_rag.wiring import default_bundle, open_classifier, with_entries

    folder = bundle or default_bundle()
    owned = index_also if index_also and index_also.is_dir() else None
    classifier = open_classifier(folder, chosen_settings(settings_file, calibration, (owned,) if owned else ()))
    # Gold is read before anything is coded: what is wrong with a later file is said at once.
    golds = [read_suite(suite, classifier.taxonomy) for suite in suites]
    if index_also and not owned:
        classifier = with_entries(classifier, read_titles(index_also, classifier.taxonomy, golds))
    training = (
        open_training(read_manifest(folder), classifier.taxonomy, training_file) if look else Training(None, "not looked at, as asked")
    )
    return Bench(store, classifier, folder.resolve(), Texts(classifier.parts.index.entries), training, keep_texts)
