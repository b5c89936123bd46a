"""The classification: its tree, its groups, search, and the list from which a group is picked."""

from typing import Annotated

from litestar import get
from litestar.params import Parameter
from litestar.plugins.htmx import HTMXRequest
from litestar.response import Template

from isco_api.access import needs
from isco_api.pages.rendering import page
from isco_api.routes.given import Asking, Given
from isco_rag.taxonomy import Group, Taxonomy

RESULTS = 25
PICKS = 12
EXAMPLES = 20
Words = Annotated[str, Parameter(max_length=200)]
Code = Annotated[str, Parameter(max_length=40)]


@get("/classification", sync_to_thread=True, **needs("viewer", "classify"))
def search(service: Given, caller: Asking, request: HTMXRequest, words: Words = "") -> Template:
    """The top of the tree, or what the words find."""
    taxonomy = service.engine.taxonomy
    found = found_by(taxonomy, words, RESULTS) if words.strip() else None
    name = "parts/groups.html" if request.htmx else "classification.html"
    return page(
        name, caller, "/classification", taxonomy=taxonomy, group=None, path=(), words=words, found=found, most=RESULTS, examples=()
    )


@get("/classification/{code:str}", sync_to_thread=True, **needs("viewer", "classify"))
def group(service: Given, caller: Asking, code: Code) -> Template:
    """A group: definition, tasks, contrasts, coded examples, where it stands."""
    taxonomy = service.engine.taxonomy
    found = taxonomy.group(code)
    examples = [
        e for e in service.engine.one.known.living() if e.code == code and e.title and e.source not in ("title", "definition", "task")
    ]
    return page(
        "classification.html", caller, "/classification", taxonomy=taxonomy, group=found, path=taxonomy.path(code), words="", found=None,
        most=RESULTS, examples=examples[:EXAMPLES],
    )  # fmt: skip


@get("/pick", sync_to_thread=True, **needs("viewer", "classify"))
def pick(service: Given, caller: Asking, words: Words = "") -> Template:
    """Groups to choose from: what the words find; for a code the group and those beneath; for nothing the top of the tree."""
    taxonomy = service.engine.taxonomy
    words = words.strip()
    if words in taxonomy:
        found = (taxonomy.group(words), *taxonomy.children(words))
    elif words:
        found = tuple(found_by(taxonomy, words, PICKS))
    else:
        found = taxonomy.children("")
    return page("parts/pick.html", caller, taxonomy=taxonomy, found=found)


def found_by(taxonomy: Taxonomy, words: str, limit: int) -> list[Group]:
    """Groups whose code begins with the words, then those that hold them."""
    words = words.strip()
    by_code = [g for g in taxonomy.groups if g.code.startswith(words)]
    return (by_code or taxonomy.search(words, limit))[:limit]


HANDLERS = (search, group, pick)
