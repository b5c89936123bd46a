"""The classification browsed and searched."""

import click


@click.command()
@click.argument("code", required=False)
@click.option("--search", "words", default="", help="Find groups by words of their title, tasks or definition.")
def codes(code: str | None, words: str) -> None:
    """Browse the classification: the top without CODE, a group with its definition, tasks and contrasts with one."""
    from isco_rag.show import show_group, show_groups
    from isco_rag.wiring import default_taxonomy

    taxonomy = default_taxonomy()
    if words:
        found = taxonomy.search(words)
        if not found:
            raise click.ClickException(f"no group of {taxonomy.heading.name} speaks of '{words}'; try fewer or other words")
        show_groups(found, taxonomy)
    elif code:
        show_group(taxonomy.group(code), taxonomy)
    else:
        show_groups(taxonomy.children(""), taxonomy)
