"""The tables of docs/guide/api.md, made from the application: `python -m tests.api_page` writes them anew."""

import tempfile
from collections import defaultdict
from pathlib import Path

from isco_api.access import Need
from isco_api.app import create_app
from isco_api.engine import Engine
from isco_api.options import Options
from isco_api.service import Service

from isco_rag.store.database import open_store

PAGE = Path(__file__).resolve().parent.parent / "docs" / "guide" / "api.md"
MARK = "<!-- made by python -m tests.api_page -->"


def tables() -> str:
    """A table for each tag: method and path, what it does, who may, its operation id."""
    found: dict[str, list[str]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        service = Service(open_store(Path(folder)), Engine(1), Options(Path(folder)), Path(folder))
        for route in create_app(service).routes:
            for handler in getattr(route, "route_handlers", ()):
                for method in sorted(handler.http_methods - {"OPTIONS", "HEAD"}) if handler.operation_id else ():
                    need = handler.opt.get("needs")
                    who = f"{need.role}, `{need.scope}`" if isinstance(need, Need) else "everybody"
                    row = f"| `{method} {route.path_format}` | {handler.summary} | {who} | `{handler.operation_id}` |"
                    found[handler.tags[0] if handler.tags else ""].append(row)
        service.close()
    head = "| address | what | role, scope of a key | operation |\n|---|---|---|---|\n"
    return "\n\n".join(f"### {tag.capitalize()}\n{head}" + "\n".join(sorted(rows)) for tag, rows in sorted(found.items()))


def page() -> str:
    """The page as it should be now."""
    before, _, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
    return f"{before}{MARK}\n\n{tables()}\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
