"""Small servers with the answers of the real ones (real_servers.py), as far as they are asked; both pass one test."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Json = dict[str, Any]
Answer = tuple[int, Any]
"""(status, JSON or text)."""
Server = Callable[[str, Json], Answer]
"""What answers a method with a path, and the query or the body."""


@contextmanager
def listening(server: Server, headers: list[Json] | None = None) -> Iterator[str]:
    """The address of the server. `headers`: receives those of each request."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments: Any) -> None:
            pass

        def answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if headers is not None:
                headers.append(dict(self.headers))
            content = json.loads(body) if body else dict(parse_qsl(parts.query))
            status, value = server(f"{self.command} {parts.path}", content)
            text = value if isinstance(value, str) else json.dumps(value)
            self.send_response(status)
            if status in (302, 307):
                self.send_header("Location", text)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = do_PATCH = answer

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = Thread(target=http.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}"
        finally:
            http.shutdown()
            thread.join()


class FakeModelRegistry:
    """Kubeflow Model Registry. Fields are those of its OpenAPI document: those to create, and those to change."""

    CHANGING = {
        "registered_model": {"customProperties", "state"},
        "model_version": {"customProperties", "state"},
        "experiment": {"customProperties", "state"},
        "experiment_run": {"customProperties", "status", "endTimeSinceEpoch"},
        "artifact": {"artifactType", "name", "uri", "value", "timestamp"},
    }
    FIXED = {
        "model_version": {"registeredModelId"},
        "experiment_run": {"experimentId", "startTimeSinceEpoch"},
    }

    def __init__(self) -> None:
        self.stored: list[Json] = []

    def __call__(self, request: str, content: Json) -> Answer:
        method, _, path = request.partition(" ")
        kind, _, rest = path.removeprefix("/api/model_registry/v1alpha3/").partition("/")
        if method == "GET":
            mine = self._named(kind, content["name"], content.get("parentResourceId"))
            return (200, mine[0]) if mine else (404, {"code": "NotFound", "message": f"no {kind} found"})
        if rest.endswith("/artifacts"):
            return self._create("artifact", content, rest.removesuffix("/artifacts"))
        kind = kind.removesuffix("s")
        if method == "POST":
            parents = [content.get(name) for name in ("registeredModelId", "experimentId")]
            return self._create(kind, content, next(filter(None, parents), None))
        unknown = set(content) - self.CHANGING[kind]
        if unknown:
            return 400, {"message": f"unknown {unknown}"}
        (mine,) = (each for each in self.stored if each["id"] == rest)
        mine.update(content)
        return 200, mine

    def _create(self, kind: str, content: Json, parent: str | None) -> Answer:
        unknown = set(content) - {"name"} - self.CHANGING[kind] - self.FIXED.get(kind, set())
        if unknown:
            return 400, {"message": f"unknown {unknown}"}
        if self._named(kind, content["name"], parent):
            return 409, {"code": "Conflict", "message": f"{kind} with name {content['name']} already exists"}
        self.stored.append({**content, "id": str(len(self.stored) + 1), "kind": kind, "parent": parent})
        return 201, self.stored[-1]

    def _named(self, kind: str, name: str, parent: str | None) -> list[Json]:
        wanted = {"kind": kind, "name": name, "parent": parent}
        return [each for each in self.stored if wanted.items() <= each.items()]


class FakeMlflow:
    """MLflow."""

    def __init__(self) -> None:
        self.experiments: dict[str, str] = {}
        self.runs: list[Json] = []
        self.models: set[str] = set()
        self.versions: list[Json] = []

    def __call__(self, request: str, content: Json) -> Answer:
        name = re.sub(r"\W", "_", request.rpartition("/api/2.0/mlflow/")[2])
        return getattr(self, name)(**content)

    def experiments_get_by_name(self, experiment_name: str) -> Answer:
        if experiment_name not in self.experiments:
            return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST"}
        return 200, {"experiment": {"experiment_id": self.experiments[experiment_name]}}

    def experiments_create(self, name: str) -> Answer:
        return 200, {"experiment_id": self.experiments.setdefault(name, str(len(self.experiments) + 1))}

    def runs_search(self, experiment_ids: list[str], filter: str, max_results: int) -> Answer:
        (name,) = re.fullmatch(r"attributes\.run_name = '(.*)'", filter).groups()  # type: ignore[union-attr]
        runs = [run for run in self.runs if run["info"]["experiment_id"] in experiment_ids]
        runs = [run for run in runs if run["info"]["run_name"] == name]
        return 200, {"runs": runs[:max_results]} if runs else {}

    def runs_create(self, experiment_id: str, run_name: str, start_time: int) -> Answer:
        info = {"experiment_id": experiment_id, "run_name": run_name, "run_id": f"run{len(self.runs)}"}
        self.runs.append({"info": info | {"start_time": start_time, "status": "RUNNING"}, "data": {}})
        return 200, {"run": self.runs[-1]}

    def runs_log_batch(self, run_id: str, metrics: list[Json], params: list[Json], tags: list[Json]) -> Answer:
        wrong = [each["key"] for each in (*metrics, *params) if not re.fullmatch(r"[/\w.\- :]*", each["key"])]
        data = self._run(run_id)["data"]
        earlier = {each["key"]: each["value"] for each in data.get("params", [])}
        wrong += [each["key"] for each in params if earlier.get(each["key"], each["value"]) != each["value"]]
        if wrong:
            return 400, {"error_code": "INVALID_PARAMETER_VALUE", "message": str(wrong)}
        for kind, values in {"metrics": metrics, "params": params, "tags": tags}.items():
            _merge(data.setdefault(kind, []), values)
        return 200, {}

    def runs_update(self, run_id: str, status: str, end_time: int) -> Answer:
        self._run(run_id)["info"].update(status=status, end_time=end_time)
        return 200, {}

    def registered_models_get(self, name: str) -> Answer:
        return (200, {"registered_model": {"name": name}}) if name in self.models else (404, {})

    def registered_models_create(self, name: str) -> Answer:
        self.models.add(name)
        return 200, {}

    def model_versions_search(self, filter: str) -> Answer:
        match = re.fullmatch(r"name = '(.*?)'(?: and run_id = '(.*)')?", filter)
        name, run_id = match.groups()  # type: ignore[union-attr]
        matching = [each for each in self.versions if each["name"] == name and run_id in (None, each["run_id"])]
        return 200, {"model_versions": matching} if matching else {}

    def model_versions_create(self, name: str, source: str, run_id: str, tags: list[Json]) -> Answer:
        scheme, _, path = source.partition(":")
        if scheme == "file" or not path.startswith("/") or name not in self.models:
            return 400, {"error_code": "INVALID_PARAMETER_VALUE", "message": f"Invalid model version source: {source}"}
        number = str(sum(each["name"] == name for each in self.versions) + 1)
        self.versions.append({"name": name, "version": number, "source": source, "run_id": run_id, "tags": tags})
        return 200, {}

    def model_versions_set_tag(self, name: str, version: str, key: str, value: str) -> Answer:
        (mine,) = (each for each in self.versions if (each["name"], each["version"]) == (name, version))
        _merge(mine["tags"], [{"key": key, "value": value}])
        return 200, {}

    def _run(self, run_id: str) -> Json:
        return next(run for run in self.runs if run["info"]["run_id"] == run_id)


def _merge(stored: list[Json], values: list[Json]) -> None:
    merged = {each["key"]: each for each in (*stored, *values)}
    stored[:] = merged.values()
