"""Many requests that no client should send, to every endpoint of one server: no 5xx, no crash, memory flat.

`python -m benchmarks fuzz` writes build/bench/fuzz.json: answers by endpoint and status, and what the server
holds in memory before and after each tenth of the requests. The requests are those of tests/model/serving/test_fuzz.py.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.harness.result_file import measured_by

SEED = 0


def main(
    requests: Annotated[int, typer.Option(help="over all endpoints")] = 10_000,
    model: Annotated[Path | None, typer.Option(help="model directory; default: a model without TensorFlow")] = None,
) -> dict[str, Any]:
    options = ["--fuzz-requests", str(requests), *(["--fuzz-model", str(model)] if model else [])]
    figures = measured_by("tests/model/serving/test_fuzz.py", "fuzz", *options)
    return {"model": model.name if model else "fake"} | figures
