"""The page of the HTTP and gRPC API: its examples are sent to a server, its document describes what comes back."""

import contextlib
import io
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pipelines.reference import http_page, openapi
from tests.model.serving.http.test_application import asked
from tests.model.serving.live_server import Server, live_server, tensor

EXAMPLES = re.findall(r"^```(bash|python)\n(.*?)^```", http_page.page(), re.MULTILINE | re.DOTALL)
DOCUMENT = openapi.document()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with live_server(tmp_path_factory.mktemp("reference"), "v1") as running:
        yield running


def valid(schema: str, value: Any) -> list[str]:
    """What the schema of the document objects to."""
    whole = {"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]}
    Draft202012Validator.check_schema(whole)
    return [error.message for error in Draft202012Validator(whole).iter_errors(value)]


@pytest.mark.parametrize(("language", "code"), EXAMPLES, ids=[code[:50] for _, code in EXAMPLES])
def test_an_example_of_the_page_is_answered(server: Server, language: str, code: str) -> None:
    code = code.replace("127.0.0.1:8080", f"127.0.0.1:{server.port}").replace(":8081", f":{server.grpc_port}")
    if language == "bash":
        done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, timeout=20, check=True)
        assert "error" not in (answer := json.loads(done.stdout)) and answer
    else:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, "example", "exec"), {})
        assert printed.getvalue().startswith("v1 ['")


@pytest.mark.parametrize("route", http_page.routes(), ids=lambda route: f"{route.method} {route.path}")
def test_a_route_of_the_document_is_served(route: http_page.Route) -> None:
    status, _, _ = asked(path=route.path.replace("{id}", "u"), method=route.method)
    assert str(status) in route.statuses and status not in (404, 405, 501)


def test_a_request_and_its_answer_are_as_the_document_describes_them(server: Server) -> None:
    inputs = [
        tensor("user_id", "1"),
        tensor("k", 2, datatype="INT32"),
        tensor("k_new", 1, datatype="INT32"),
        tensor("recent_items", "b", "y"),
    ]
    body = {"inputs": inputs, "parameters": {"deadline_ms": 500}}
    assert valid("InferRequest", body) == []
    status, answer = server.infer(*inputs, parameters=body["parameters"])
    assert status == 200 and valid("InferResponse", answer) == []
    assert valid("Metadata", server.call("GET", "/v2/models/aisle")[1]) == []
    assert valid("Error", server.infer(tensor("user", "1"))[1]) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"inputs": []},
        {"inputs": [tensor("user", "1")]},
        {"inputs": [tensor("user_id", 1)]},
        {"inputs": [tensor("user_id", "1"), tensor("k", 0, datatype="INT32")]},
        {"inputs": [tensor("user_id", "1")], "outputs": [{"name": "price"}]},
    ],
)
def test_what_the_server_refuses_the_document_refuses_too(server: Server, wrong: dict[str, Any]) -> None:
    assert valid("InferRequest", wrong)
    status, _ = server.infer(*wrong.pop("inputs"), **wrong)
    assert status == 400


def test_the_document_on_the_page_is_openapi_with_a_schema_for_every_input() -> None:
    document = json.loads(Path(http_page.DOCUMENT).read_text(encoding="utf-8"))
    assert document["openapi"].startswith("3.1") and document["info"]["title"] == "Aisle"
    titles = [
        part["title"]
        for part in document["components"]["schemas"]["InferRequest"]["properties"]["inputs"]["items"]["oneOf"]
    ]
    assert titles == [item.name for item in openapi.INPUTS]
    operations = [o["operationId"] for path in document["paths"].values() for o in path.values()]
    assert len(operations) == len(set(operations))
