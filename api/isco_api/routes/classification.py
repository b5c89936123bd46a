"""The classification: its groups, the tree, and search."""

from typing import Annotated

from litestar import get
from litestar.params import Parameter
from msgspec import Struct

from isco_api.access import needs
from isco_api.routes.given import Given
from isco_rag.taxonomy import Group, Heading

Code = Annotated[str, Parameter(max_length=40, description="A code as text: 0110 is not 110.")]


class Tree(Struct, frozen=True):
    """A classification and its top groups."""

    heading: Heading
    groups: tuple[Group, ...]


class Place(Struct, frozen=True):
    """A group with the groups above it, top first, and those right below it."""

    group: Group
    path: tuple[Group, ...]
    children: tuple[Group, ...]


@get("/classification", operation_id="getClassification", summary="Name, levels and top groups", tags=["classification"], sync_to_thread=False,
     **needs("viewer", "classify"))  # fmt: skip
def classification(service: Given) -> Tree:
    """What the classification is called, what its levels are, and where it begins."""
    return Tree(service.engine.taxonomy.heading, service.engine.taxonomy.children(""))


@get("/classification/search", operation_id="searchClassification", summary="Search groups", tags=["classification"], sync_to_thread=True,
     **needs("viewer", "classify"))  # fmt: skip
def search(
    service: Given, words: Annotated[str, Parameter(max_length=200, min_length=1)], limit: Annotated[int, Parameter(ge=1, le=100)] = 10
) -> list[Group]:  # fmt: skip
    """Groups whose title, tasks or definition hold the words, those with a word in the title first."""
    return service.engine.taxonomy.search(words, limit)


@get("/classification/{code:str}", operation_id="getGroup", summary="One group", tags=["classification"], sync_to_thread=False,
     **needs("viewer", "classify"))  # fmt: skip
def group(service: Given, code: Code) -> Place:
    """The group of a code: definition, tasks, contrasts, where it stands."""
    taxonomy = service.engine.taxonomy
    return Place(taxonomy.group(code), taxonomy.path(code), taxonomy.children(code))


@get("/classification/{code:str}/children", operation_id="getChildren", summary="Groups below", tags=["classification"], sync_to_thread=False,
     **needs("viewer", "classify"))  # fmt: skip
def children(service: Given, code: Code) -> list[Group]:
    """The groups right below a code."""
    return list(service.engine.taxonomy.children(code))


HANDLERS = (classification, search, group, children)
