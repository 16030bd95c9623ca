"""How a server begins and ends, and what it does when there is too much to do."""

import http.client
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from model.request_log.reader import read
from model.serving.server import main
from tests.model.serving.fake_server import load
from tests.model.serving.live_server import Server, grpc_request, live_server, tensor

PATIENT = {"deadline_ms": 5000}


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Server]:
    """A server of its own whose model takes half a second."""
    with live_server(tmp_path, "slow", items=["a"], sleep_s=0.5) as server:
        yield server


def test_sigterm_lets_a_request_in_flight_finish_and_ends_with_0(slow: Server) -> None:
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(slow.infer, tensor("user_id", "u"), parameters=PATIENT)
        time.sleep(0.2)
        slow.process.stop()
    status, answered = answer.result()
    assert (status, answered["parameters"]["rung"]) == (200, "full")
    assert slow.process.exit_code == 0
    assert len(read(slow.log)) == 1
    assert [path.suffix for path in slow.log.iterdir()] == [".parquet"]


def test_an_overloaded_server_turns_requests_away_at_once_and_answers_the_others_in_time(slow: Server) -> None:
    request = grpc_request("user_id", "BYTES", bytes_contents=[b"u"])
    request.parameters["deadline_ms"].int64_param = 1500
    calls = [slow.stub.ModelInfer.future(request, timeout=10) for _ in range(80)]
    time.sleep(0.3)
    connection = http.client.HTTPConnection("127.0.0.1", slow.port, timeout=10)
    body = json.dumps({"inputs": [tensor("user_id", "u")]}).encode()
    connection.request("POST", "/v2/models/aisle/infer", body, {"content-type": "application/json"})
    response = connection.getresponse()
    assert (response.status, response.headers["retry-after"]) == (503, "1")
    assert json.loads(response.read())["error"].startswith("overloaded: 48 requests are being answered")
    connection.close()
    other = http.client.HTTPConnection("127.0.0.1", slow.port, timeout=10, source_address=("127.0.0.2", 0))
    other.request("POST", "/v2/models/aisle/infer", body, {"content-type": "application/json"})
    assert other.getresponse().status == 200  # a quarter is left for other clients
    other.close()
    codes = [call.code() for call in calls]
    assert codes.count(grpc.StatusCode.OK) == 48  # of 64: one client has three quarters at most
    assert codes.count(grpc.StatusCode.UNAVAILABLE) == 32


def test_a_refused_model_ends_the_server_with_one_line_and_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["--model-dir", str(tmp_path / "empty"), "--store", str(tmp_path / "s")], load_model=load) == 1
    assert capsys.readouterr().err == f"aisle server: {tmp_path / 'empty'}: expected fake.json, got none; write it\n"
