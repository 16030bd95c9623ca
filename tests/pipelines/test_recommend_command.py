"""`aisle recommend` on a demo's promoted model: its file holds what the demo's server answers for the same moment."""

import json
import socket
import urllib.request
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipelines.cli import main
from tests.pipelines.command import aisle, started, wait_for
from tests.pipelines.conftest import Run

MOMENT = "2023-07-01T00:00:00Z"
"""The day after the last trip of the world."""


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answer(port: int, user: str) -> dict[str, Any]:
    texts = {"user_id": user, "request_time": MOMENT}
    inputs = [{"name": name, "shape": [1], "datatype": "BYTES", "data": [text]} for name, text in texts.items()]
    inputs.append({"name": "k_new", "shape": [1], "datatype": "INT32", "data": [5]})
    body = json.dumps({"inputs": inputs, "parameters": {"deadline_ms": 10_000}}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v2/models/aisle/infer", body)
    request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request, timeout=20) as response:
        return {output["name"]: output["data"] for output in json.load(response)["outputs"]}


def test_the_lists_of_a_trained_model_are_the_servers(promoted_run: Run, tmp_path: Path) -> None:
    out = tmp_path / "lists.parquet"
    done = aisle(
        "recommend", "--run", promoted_run.out, "--users", "all", "--out", out, "--as-of", MOMENT, "--k-new", "5"
    )
    assert done.returncode == 0, done.stderr
    rows = {row["user_id"]: row for row in pq.read_table(out).to_pylist()}
    assert len(rows) == 220 and f"220 lists of {next(iter(rows.values()))['version']}, as of 2023-07-01" in done.stdout
    port, grpc_port = _port(), _port()
    serve = ("serve", "--run", promoted_run.out, "--http-port", str(port), "--grpc-port", str(grpc_port))
    with started(*serve) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        wait_for(lambda: next(lines).startswith("ready"), "the server")
        for user in sorted(rows)[::20]:
            answer = _answer(port, user)
            assert answer["item_id"] == rows[user]["item_ids"]
            assert answer["score"] == pytest.approx(rows[user]["scores"], abs=1e-6)
            assert (answer["reason"], answer["new_item_id"]) == (rows[user]["reasons"], rows[user]["new_item_ids"])
            assert len(answer["new_item_id"]) == 5
        process.terminate()
        process.wait(30)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"--as-of": "yesterday"}, "as_of: expected RFC 3339 since 1970"),
        ({"--k": "0"}, "setting k: expected int, 1 to 100, got 0"),
        ({"--model": "MODEL"}, "--model: MODEL: expected a model directory"),
        ({"--out": "."}, "--out: expected a file to write"),
        ({"--run": "RUN"}, "--run: expected a registry with a stable model in RUN"),
    ],
)
def test_bad_input_is_one_line(changed: dict[str, str], message: str, capfd: pytest.CaptureFixture[str]) -> None:
    options = {"--users": "all", "--out": "lists.parquet", "--run": "RUN"} | changed
    assert main(["recommend", *(word for pair in options.items() for word in pair)]) == 2
    error = capfd.readouterr().err
    assert message in error and error.count("\n") == 1
