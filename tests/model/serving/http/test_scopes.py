"""Permissions at ports of their own, and names of the server."""

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest

from components.rollout.local.processes import free_port
from model.serving.http.scopes import LOOPBACK_HOSTS, Access, Scope
from model.serving.server import main
from tests.model.serving.fake_server import load
from tests.model.serving.live_server import Server, event, live_server

Ports = dict[str, int]


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Ports]]:
    ports = {scope: free_port() for scope in ("write", "erase", "metrics")}
    options = [part for scope, port in ports.items() for part in (f"--{scope}-port", str(port))]
    with live_server(tmp_path_factory.mktemp("split"), "v7", options, items=["a"]) as server:
        yield server, ports | {"ask": server.port}


def _asked(port: int, method: str, path: str, body: bytes = b"", host: str = "127.0.0.1") -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    kind = "application/cloudevents-batch+json" if path == "/events" else "application/json"
    connection.request(method, path, body, {"host": host, "content-type": kind})
    response = connection.getresponse()
    text = response.read()
    connection.close()
    return response.status, text


EVENTS = json.dumps([event("1", "u", "milk", "2020-01-01T10:00:00Z")]).encode()
REQUESTS = {
    "ask": ("GET", "/v2/models/aisle", b"", 200),
    "write": ("POST", "/events", EVENTS, 202),
    "erase": ("DELETE", "/shoppers/u", b"", 200),
    "metrics": ("GET", "/metrics", b"", 200),
}


@pytest.mark.parametrize("asked", REQUESTS)
@pytest.mark.parametrize("at", REQUESTS)
def test_a_permission_with_a_port_of_its_own_is_given_there_and_nowhere_else(
    split: tuple[Server, Ports], asked: str, at: str
) -> None:
    method, path, body, good = REQUESTS[asked]
    assert _asked(split[1][at], method, path, body)[0] == (good if asked == at else 404)
    assert _asked(split[1][at], "GET", "/v2/health/live")[0] == 200
    assert _asked(split[1][at], "GET", "/v2/models/aisle/ready")[0] == 200


@pytest.mark.parametrize("host", ["evil.example.com", "127.0.0.1.evil.example.com", "", "127.0.0.1@evil"])
def test_on_loopback_another_name_leads_nowhere(split: tuple[Server, Ports], host: str) -> None:
    assert _asked(split[0].port, "GET", "/v2/models/aisle", host=host)[0] == 421
    assert _asked(split[0].port, "GET", "/v2/models/aisle/ready", host=host)[0] == 200  # a health check may


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:80",
        "localhost",
        "LOCALHOST:1",
        "[::1]:8080",
        "127.0.0.1-shadow",
        "127.0.0.1-shadow:9",
        "localhost:9-shadow",
    ],
)
def test_the_names_of_loopback_are_known_and_mirrored_copies_too(host: str) -> None:
    assert Access(hosts=LOOPBACK_HOSTS).knows(host)


@pytest.mark.parametrize(("path", "scope"), [("/", "ask"), ("/events", "write"), ("/shoppers/u", "erase")])
def test_the_permission_follows_from_the_path(path: str, scope: str) -> None:
    assert Scope.of(path) == scope


def test_a_port_that_is_taken_by_another_permission_is_refused(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "fake.json").write_text('{"version": "v1"}')
    command = ["--model-dir", str(tmp_path), "--store", str(tmp_path / "s"), "--write-port", "8080"]
    assert main(command, load_model=load) == 2
    assert "expected ports beside those of REST" in capsys.readouterr().err
