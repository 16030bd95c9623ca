"""docs/reference/http.md and openapi.json: the server's routes over HTTP and gRPC, with examples that tests run."""

import json
from typing import NamedTuple

from model.serving.v2_inputs import INPUTS, OUTPUTS
from pipelines.reference import openapi
from pipelines.reference.schema_page import DOCS, table

PAGE = DOCS / "reference" / "http.md"
DOCUMENT = DOCS / "reference" / "openapi.json"


class Route(NamedTuple):
    """One path with a method."""

    method: str
    path: str
    summary: str
    statuses: str


def routes() -> list[Route]:
    """Those of the OpenAPI document."""
    return [
        Route(method.upper(), path, operation["summary"], ", ".join(operation["responses"]))
        for path, operations in openapi.document()["paths"].items()
        for method, operation in operations.items()
    ]


def document() -> str:
    """The OpenAPI document as JSON."""
    return json.dumps(openapi.document(), indent=1) + "\n"


def page() -> str:
    return table("http", routes=routes(), inputs=INPUTS, outputs=OUTPUTS, refusals=openapi.REFUSALS) + "\n"
