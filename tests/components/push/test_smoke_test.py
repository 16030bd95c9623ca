"""The smoke test against a small HTTP server."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from components.inference_service.address import address
from components.push.smoke_test import ask
from model.errors import CheckFailed


def _answer(items: list[str], scores: list[float]) -> dict[str, Any]:
    outputs = [{"name": "item_id", "data": items}, {"name": "score", "data": scores}]
    return {"model_version": "v1", "outputs": outputs}


GOOD = _answer(["7", "8"], [0.5, 0.25])


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    """Answers with `server.replies`, one after the other; the last one stays."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            replies: list[Any] = self.server.replies  # type: ignore[attr-defined]
            reply = replies.pop(0) if len(replies) > 1 else replies[0]
            self.send_response(reply if isinstance(reply, int) else 200)
            self.end_headers()
            self.wfile.write(b"" if isinstance(reply, int) else json.dumps(reply).encode())

        def log_message(self, *_: Any) -> None:
            """Silence."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def url(server: HTTPServer, *replies: Any) -> str:
    server.replies = list(replies)  # type: ignore[attr-defined]
    return f"http://127.0.0.1:{server.server_port}"


def test_an_answer_of_the_right_version_passes_also_after_a_refusal(server: HTTPServer) -> None:
    assert ask(url(server, 503, GOOD), "v1", wait_s=0.0) == GOOD["outputs"][0]["data"]


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (503, "got none in 15 tries"),
        ({"model_version": "v1", "outputs": []}, "expected a v2 answer"),
        (_answer([], []), "v1: expected recommendations, got no item"),
        (_answer(["7", "7"], [0.5, 0.25]), "got an item twice"),
        (_answer(["7", "8"], [0.5, float("nan")]), "got a score that is not finite"),
        (_answer([str(n) for n in range(11)], [0.5] * 11), "got 11 items of 10"),
        (GOOD | {"model_version": "v0"}, "got an answer of v0"),
        (["odd"], "expected a v2 answer"),
    ],
)
def test_anything_else_does_not(server: HTTPServer, reply: Any, words: str) -> None:
    with pytest.raises(CheckFailed, match=words):
        ask(url(server, reply), "v1", wait_s=0.0)


def test_a_fresh_version_is_reached_past_the_split() -> None:
    assert address("Standard", "vabc", "aisle") == "http://aisle-vabc-predictor.aisle.svc.cluster.local"
    assert address("Knative", "vabc", "aisle") == "http://latest-aisle-predictor.aisle.svc.cluster.local"
