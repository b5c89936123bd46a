"""One correction."""

from pathlib import Path

import click

from isco_rag.commands.options import CHAMPION_OPTION, DATABASE_OPTION, SETTINGS_OPTION, STATE_OPTION, WHO


@click.command()
@click.argument("title")
@click.option("--code", required=True, help="The code that the job should have; a shorter one is used at its level.")
@click.option("--duties", default="", help="What the person does.")
@click.option("--industry", default="", help="What the employer does.")
@click.option("--language", default="", help="Language of the text, in two letters.")
@click.option("--reason", default="", help="Why.")
@click.option("--by", default=WHO, show_default=True, help="Whose correction it is.")
@STATE_OPTION
@DATABASE_OPTION
@CHAMPION_OPTION
@SETTINGS_OPTION
def correct(
    title: str, code: str, duties: str, industry: str, language: str, reason: str, by: str, state: Path, database: str, bundle: Path | None,
    settings_file: Path | None,
) -> None:  # fmt: skip
    """Correct a job's code. The running service has it within a second; what the model answers now is kept beside it."""
    from isco_rag.errors import UsageError
    from isco_rag.learn import registry
    from isco_rag.learn.follow import as_served
    from isco_rag.settings import load_settings
    from isco_rag.store import corrections
    from isco_rag.store.database import open_store
    from isco_rag.types import Job
    from isco_rag.wiring import default_taxonomy, open_classifier

    if not 0 < len(by) <= corrections.LONGEST_NAME:
        raise UsageError(f"--by takes a name of at most {corrections.LONGEST_NAME} characters")
    job = Job(title, duties, industry, language=language)
    corrections.check(default_taxonomy(), job, code)
    store = open_store(state, database)
    classifier = as_served(open_classifier(registry.answering(store, bundle), load_settings(settings_file)), store)
    answered = classifier.classify([job])[0]
    with store.write() as db:
        found = corrections.add(db, classifier.taxonomy, by, "command", job, code, reason=reason, answered=answered)
        others = corrections.disputed_with(db, found) if found.state == "disputed" else []
    machine = f"{answered.code} at {min(answered.confidence, 0.99):.0%}" if answered.code else "no code"
    click.echo(f"correction {found.id}: {found.code}, {found.state}; the model answers {machine} ({answered.bundle})")
    if others:
        listed = ", ".join(f"{other.id} ({other.code}, {other.by})" for other in others)
        click.echo(f"the same text has another code in correction {listed}; decide with: isco-rag corrections adjudicate {found.id}")
    if found.state == "held":
        click.echo(f"it waits for an expert: {found.held}")
