"""Coding indexes of an institution's own: publishers' files and its own tables imported, listed, embedded."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from isco_rag.commands.options import BUNDLE_OPTION, SETTINGS_OPTION, chosen_settings

if TYPE_CHECKING:
    from isco_rag.importing.texts import Found

OUTPUT_OPTION = click.option("-o", "--output", "folder", required=True, type=click.Path(path_type=Path), help="Folder to make.")
FORCE_OPTION = click.option("--force", is_flag=True, help="Replace a coding index that stands there.")
EMBED_OPTION = click.option("--embed/--no-embed", default=True, show_default=True, help="Embed the titles for the bundle now.")
PATH = click.argument("path", type=click.Path(path_type=Path))


@click.group()
def data() -> None:
    """Import lists of coded titles into a coding index of your own; use it with --index-also or in a settings file."""


@data.group("import")
def import_() -> None:
    """Import coded titles. A row that can't be taken is written to report.csv with its number and the reason, the others go in."""


@import_.command()
@PATH
@click.option("--language", default="", help="Which language, where PATH holds several.")
@OUTPUT_OPTION
@FORCE_OPTION
@EMBED_OPTION
@BUNDLE_OPTION
def esco(path: Path, language: str, folder: Path, force: bool, embed: bool, bundle: Path | None) -> None:
    """ESCO's occupations: occupations_en.csv or another language, a folder with them, or the portal's zip archive."""
    from isco_rag.importing.esco import read_esco

    _keep(read_esco(path, language), [path], folder, force, embed, bundle)


@import_.command()
@PATH
@click.option("--language", default="en", show_default=True, help="Language of the file.")
@OUTPUT_OPTION
@FORCE_OPTION
@EMBED_OPTION
@BUNDLE_OPTION
def ilo(path: Path, language: str, folder: Path, force: bool, embed: bool, bundle: Path | None) -> None:
    """The ILO's index of occupational titles or its structure of ISCO-08: Excel or CSV, or a folder or zip archive with both."""
    from isco_rag.importing.ilo import read_ilo

    _keep(read_ilo(path, language), [path], folder, force, embed, bundle)


@import_.command()
@PATH
@click.option("--crosswalk", required=True, type=click.Path(path_type=Path), help="Table from US SOC to ISCO-08 codes.")
@OUTPUT_OPTION
@FORCE_OPTION
@EMBED_OPTION
@BUNDLE_OPTION
def onet(path: Path, crosswalk: Path, folder: Path, force: bool, embed: bool, bundle: Path | None) -> None:
    """O*NET's database: folder or zip archive with "Occupation Data", "Alternate Titles", "Task Statements" as text or Excel.

    A title whose SOC code leads to several unit groups is kept as a partial label for training and does not join the index.
    """
    from isco_rag.importing.onet import read_onet

    _keep(read_onet(path, crosswalk), [path, crosswalk], folder, force, embed, bundle)


@import_.command("csv")
@PATH
@click.option("--text-column", default="", help="Column with the titles.")
@click.option("--code-column", default="", help="Column with the codes; several in a cell with ; between them are a partial label.")
@click.option("--duties-column", default="", help="Column with duties.")
@click.option("--language", default="en", show_default=True, help="Language of the titles, where no column tells it.")
@click.option("--source", default="", help="What to call the source; default: the name of the file.")
@click.option("--inverted", is_flag=True, help='Titles stand noun first ("Writer, technical"): turn them round.')
@OUTPUT_OPTION
@FORCE_OPTION
@EMBED_OPTION
@BUNDLE_OPTION
def csv_(
    path: Path, text_column: str, code_column: str, duties_column: str, language: str, source: str, inverted: bool, folder: Path,
    force: bool, embed: bool, bundle: Path | None,
) -> None:  # fmt: skip
    """Any table, CSV or Excel, with a column of titles and one of codes."""
    from isco_rag.importing.plain import read_plain

    found = read_plain(
        path, text=text_column, code=code_column, duties=duties_column, language=language, source=source, inverted=inverted
    )  # fmt: skip
    _keep(found, [path], folder, force, embed, bundle, slips=True)


@import_.command()
@PATH
@click.option("--language", default="en", show_default=True, help="Language of the texts that are taken.")
@OUTPUT_OPTION
@FORCE_OPTION
@EMBED_OPTION
@BUNDLE_OPTION
def parquet(path: Path, language: str, folder: Path, force: bool, embed: bool, bundle: Path | None) -> None:
    """A parquet file of coded texts as docs/guide/data.md describes it: its titles with one unit group."""
    from isco_eval.gold import read_titles

    from isco_rag.importing.texts import Found
    from isco_rag.wiring import default_taxonomy

    entries = read_titles(path, default_taxonomy(), (), language)
    # Titles have been turned round by read_titles.
    found = [
        Found(e.title, (e.code,), "alt_title", e.source, language, e.id, e.id, path.name, i, inverted=False)
        for i, e in enumerate(entries, 1)
    ]  # fmt: skip
    _keep(found, [path], folder, force, embed, bundle)


def _keep(
    found: "list[Found]", inputs: list[Path], folder: Path, force: bool, embed: bool, bundle: Path | None, *, slips: bool = False
) -> None:
    from isco_rag.coding_index import save_coding_index
    from isco_rag.importing.texts import take
    from isco_rag.show_data import show_import
    from isco_rag.wiring import default_taxonomy

    taxonomy = default_taxonomy()
    imported = take(found, taxonomy, slips=slips)
    head = save_coding_index(imported, folder, f"{taxonomy.heading.name} {taxonomy.heading.version}", inputs, force=force)
    show_import(head, imported, folder)
    if embed:
        _embed(folder, bundle)


@data.command("embed")
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path))
@BUNDLE_OPTION
def embed_(folders: tuple[Path, ...], bundle: Path | None) -> None:
    """Embed coding indexes for a bundle; needed once for each bundle with another encoder."""
    for folder in folders:
        _embed(folder, bundle)


def _embed(folder: Path, bundle: Path | None) -> None:
    from time import perf_counter

    from isco_rag.coding_index import embed, encoder_key, read_head
    from isco_rag.show import Working
    from isco_rag.wiring import default_bundle, open_bundle_encoder

    encoder, manifest = open_bundle_encoder(bundle or default_bundle())
    began = perf_counter()
    with Working("embedding", sum(read_head(folder).sources.values())) as progress:
        n = embed(folder, encoder, encoder_key(manifest), progress)
    click.echo(f"{folder}: {n:,} texts embedded for {manifest.name} in {perf_counter() - began:.1f} s; use it with --index-also {folder}")


@data.command("list")
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path))
@BUNDLE_OPTION
@SETTINGS_OPTION
def list_(folders: tuple[Path, ...], bundle: Path | None, settings_file: Path | None) -> None:
    """Say what coding indexes hold, and whether they are embedded for the bundle; without FOLDERS, those that the settings name."""
    from isco_rag.bundle import read_manifest
    from isco_rag.coding_index import encoder_key, is_embedded, read_head
    from isco_rag.show_data import show_indexes
    from isco_rag.wiring import default_bundle

    named = folders or tuple(map(Path, chosen_settings(settings_file).index_also))
    if not named:
        raise click.UsageError("name a folder, or coding indexes as index_also in a settings file")
    manifest = read_manifest(bundle or default_bundle())
    show_indexes([(folder, read_head(folder), is_embedded(folder, encoder_key(manifest))) for folder in named], manifest.name)
