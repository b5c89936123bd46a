"""The OpenAPI document, and hostile requests made from it: whatever comes, the answer is no server error.

Ten requests for each operation and kind are made at each run; ISCO_RAG_FUZZ=1000 makes a thousand.
"""

import os
from collections import Counter
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.generation import GenerationMode

from tests.api.conftest import BASE, Client
from tests.api.test_access import EXPECTED, PUBLIC

EXAMPLES = int(os.environ.get("ISCO_RAG_FUZZ", "10"))


def document(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/v1/schema/openapi.json").json()
    return found


def test_the_document_names_and_describes_every_operation(alone: Client) -> None:
    told = document(alone)
    found = {operation["operationId"]: operation for path in told["paths"].values() for operation in path.values()}
    assert set(found) == set(EXPECTED) | PUBLIC
    assert all(operation.get("summary") and operation.get("tags") and operation.get("description") for operation in found.values())
    assert sum("examples" in str(operation.get("requestBody", "")) for operation in found.values()) >= 8
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    assert all(operation["responses"]["400"]["content"] == problem for operation in found.values())
    assert set(told["components"]["securitySchemes"]) == {"key", "login"}
    assert {name for name, operation in found.items() if operation.get("security") == [{}]} == PUBLIC
    assert told["components"]["schemas"]["Job"]["additionalProperties"] is False
    assert "content" not in found["logOut"]["responses"]["204"]


def test_an_address_tells_all_its_methods(alone: Client) -> None:
    for method, status in (("OPTIONS", 204), ("TRACE", 405)):
        answer = alone.request(method, "/api/v1/corrections")
        assert (answer.status_code, set(answer.headers["allow"].split(", "))) == (status, {"GET", "OPTIONS", "POST"})


def test_numbers_that_no_record_can_have_are_none(alone: Client) -> None:
    for number in (0, -1, 2**63, 10**30):
        assert alone.post("/api/v1/reviews", json={"predictions": [number]}).status_code == 404
        assert alone.post("/api/v1/reviews/assign", json={"reviews": [number], "user": ""}).json() == {"count": 0}


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_hostile_requests_bring_no_server_error(alone: Client, mode: GenerationMode) -> None:
    """Progress of a file is left out: it ends with the file, not with the request."""
    seen: Counter[int] = Counter()
    for result in schemathesis.openapi.from_dict(document(alone)).get_all_operations():
        operation = result.ok()
        if operation.path.endswith("/events"):
            continue

        @settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(operation.as_strategy(generation_mode=mode))
        def check(case: schemathesis.Case) -> None:
            try:
                made = requests.Request(**case.as_transport_kwargs(base_url=BASE)).prepare()
                answer = alone.request(made.method or "GET", made.url or BASE, headers=dict(made.headers), content=made.body)
            except (httpx.InvalidURL, requests.RequestException, UnicodeError, ValueError):
                # What can't be sent reaches no server.
                return
            seen[answer.status_code] += 1
            assert answer.status_code < 500, (case.method, case.path, answer.text)
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == "application/problem+json", (case.method, case.path)
                assert answer.json()["detail"]

        try:
            check()
        except BaseException as error:
            if "Unsatisfiable" not in type(error).__name__:
                raise
    assert sum(seen.values()) > 100
