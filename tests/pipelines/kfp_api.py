"""A small KFP 2.17 API server on loopback: the paths that kfp.Client uses for us, with experiments, runs and schedules
in memory. Runs take one state after the other, a request each; in a listing they have the state that a test gave them.
"""

import contextlib
import json
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ROOT = "/apis/v2beta1/"


class FakeKfp:
    """What the server holds. `script`: the answers of `GET runs/ID`, one a request; the last stays."""

    def __init__(self) -> None:
        self.script: list[dict[str, Any]] = [{"state": "SUCCEEDED"}]
        self.experiments: dict[str, dict[str, Any]] = {}
        self.runs: dict[str, dict[str, Any]] = {}
        self.schedules: dict[str, dict[str, Any]] = {}
        self.refuse: tuple[int, str] | None = None
        self.dies_before = self.dies_after = ""
        """`METHOD path` at which the server fails before, or after it did what was asked."""
        self.content_type = "application/json"
        self.tokens: list[str | None] = []
        self.host = ""
        self._made = 0

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        if self.dies_before == f"{method} {path}":
            return 500, {"message": "died"}
        answer = self._answer(method, path, query, body)
        return (500, {"message": "died"}) if self.dies_after == f"{method} {path}" else answer

    def _answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        match method, path.split("/"):
            case "GET", ["healthz"]:
                return 200, {"multi_user": False}
            case _ if self.refuse:
                return self.refuse[0], {"code": 3, "message": self.refuse[1]}
            case "GET", ["experiments"]:
                return 200, {"experiments": _named(self.experiments, query)}
            case "POST", ["experiments"]:
                return 200, self._keep(self.experiments, "experiment_id", body)
            case "GET", ["runs"]:
                inside = {id: run for id, run in self.runs.items() if [run["experiment_id"]] == query["experiment_id"]}
                return 200, {"runs": _named(inside, query)}
            case "POST", ["runs"]:
                return 200, self._keep(self.runs, "run_id", body)
            case "GET", ["runs", run] if run in self.runs:
                now = self.script.pop(0) if len(self.script) > 1 else self.script[0]
                return 200, {"run_id": run} | now
            case "GET", ["recurringruns"]:
                return 200, {"recurringRuns": _named(self.schedules, query)}
            case "POST", ["recurringruns"]:
                return 200, self._keep(self.schedules, "recurring_run_id", body)
            case "DELETE", ["recurringruns", schedule] if schedule in self.schedules:
                return 200, self.schedules.pop(schedule) and {}
            case "POST", ["recurringruns", action] if action.partition(":")[0] in self.schedules:
                schedule, _, verb = action.partition(":")
                self.schedules[schedule] |= {"mode": verb.upper(), "status": f"{verb.upper()}D"}
                return 200, {}
        return 404, {"message": f"no {method} {path}"}

    def _keep(self, where: dict[str, dict[str, Any]], key: str, body: dict[str, Any]) -> dict[str, Any]:
        self._made += 1
        made = f"{key.removesuffix('_id')}-{self._made}"
        where[made] = body | {key: made}
        return where[made]


def _named(where: dict[str, dict[str, Any]], query: dict[str, list[str]]) -> list[dict[str, Any]]:
    if "filter" not in query:
        return list(where.values())
    (predicate,) = json.loads(query["filter"][0])["predicates"]
    assert predicate["operation"] in ("EQUALS", 1) and predicate["key"] == "display_name"
    # kfp.Client writes the operation as the number of the enumeration; the server takes either.
    return [entry for entry in where.values() if entry["display_name"] == predicate["stringValue"]]


@contextmanager
def fake_kfp() -> Iterator[FakeKfp]:
    """The server, listening; its address is in `host`."""
    fake = FakeKfp()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            target = urllib.parse.urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            fake.tokens.append(self.headers.get("Authorization"))
            assert target.path.startswith(ROOT), target.path
            query = urllib.parse.parse_qs(target.query)
            status, reply = fake.answer(self.command, target.path.removeprefix(ROOT), query, body)
            text = json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("Content-Type", fake.content_type)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            with contextlib.suppress(BrokenPipeError):  # the client may be gone, and its test over
                self.wfile.write(text)

        do_POST = do_DELETE = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    fake.host = f"http://127.0.0.1:{server.server_port}"
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
