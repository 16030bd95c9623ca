"""What `make kind-demo` does and reports: on a cluster in memory, then through kubectl against small servers."""

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from components.gate.decide import refusal
from components.inference_service.shift import put
from components.inference_service.traffic import Traffic, Version, with_canary
from model.errors import CheckFailed, InputError, StageFailed
from pipelines.definitions import train_and_release
from pipelines.kind.cluster_demo import QUESTIONS, Answer, demonstrate
from pipelines.kind.kubectl import HERE, OVERRIDE, KubectlCluster
from pipelines.kind.port_forward import forwarded
from tests.components.inference_service.fake_cluster import Clock, FakeCluster
from tests.pipelines.kfp_api import FakeKfp, fake_kfp

OLD, NEW = (Version(name=f"2020-01-0{n}-{n}{n}{n}{n}", uri=f"s3://models/{n}") for n in (1, 2))
KEY = "key-of-the-shop"


class FakeDemoCluster:
    """Training declares a canary at 10 %, and every tenth question is answered by it."""

    def __init__(self) -> None:
        self.cluster = FakeCluster()
        self.trained = 0
        self.blessed = True
        self.every = 10
        self.open = False
        self.kfp = True
        self.refuse: dict[str, Answer] = {}
        """{shopper: what comes in place of an answer}"""
        self.first = 2
        """Questions that the gateway answers with 404: the route is not there yet."""
        self._asked = 0

    def train(self) -> str:
        self.trained += 1
        put(self.cluster, Traffic(stable=OLD))
        if self.blessed:
            put(self.cluster, with_canary(Traffic(stable=OLD), NEW, 10))
        return "run-7"

    def page(self, run: str) -> str:
        return f"http://127.0.0.1:8888/#/runs/details/{run}" if self.kfp else ""

    def key(self) -> str:
        return KEY

    def ask(self, shopper: str, key: str) -> Answer:
        if self.first:
            self.first -= 1
            return Answer(status=404, body="no route")
        if key != KEY and not self.open:
            return Answer(status=401)
        self._asked += 1
        version = NEW if self._asked % self.every == 0 else OLD
        return self.refuse.get(shopper, Answer(status=200, version=version.name, items=("8",), reasons=("repeat",)))


def _shown(cluster: FakeDemoCluster) -> list[str]:
    lines: list[str] = []
    demonstrate(cluster, lines.append, Clock().patience())
    return lines


def test_it_trains_waits_asks_and_reports_what_comes_next() -> None:
    cluster = FakeDemoCluster()
    lines = _shown(cluster)
    assert cluster.trained == 1
    assert lines[:3] == [
        f"canary {NEW.name} is ready at 10 %, beside {OLD.name}",
        "through the gateway: 401 without a key, an answer with one",
        "  shopper 1: item 8 (repeat)",
    ]
    assert lines[3].startswith(f"{QUESTIONS} questions, 0 failed: 10 % declared, 10.0 % observed (40 by the canary")
    rest = "\n".join(lines[4:])
    assert "http://127.0.0.1:8888/#/runs/details/run-7" in rest and "rollout promote --namespace aisle" in rest


def test_a_canary_that_is_there_is_asked_and_nothing_is_trained() -> None:
    cluster = FakeDemoCluster()
    _shown(cluster)
    assert _shown(cluster)[0].startswith(f"there is a canary already, {NEW.name}")
    assert cluster.trained == 1


def test_a_run_that_leaves_no_canary_is_reported_with_its_page() -> None:
    cluster = FakeDemoCluster()
    cluster.blessed = False
    with pytest.raises(CheckFailed, match=rf"found {OLD.name} alone; .* steps Gate.*details/run-7"):
        _shown(cluster)


def test_a_canary_that_is_not_ready_in_time_is_reported_with_the_reason() -> None:
    cluster = FakeDemoCluster()
    cluster.cluster.canary_ready_after = None
    with pytest.raises(CheckFailed, match=r"expected ready within 60 s; "):
        _shown(cluster)


def test_a_gateway_without_the_route_is_reported_with_where_to_look() -> None:
    cluster = FakeDemoCluster()
    cluster.first = 1000
    with pytest.raises(CheckFailed, match=r"within 180 s, got 404 \(no route\); see `kubectl get gateway"):
        _shown(cluster)


def test_a_gateway_that_accepts_a_request_without_a_key_fails() -> None:
    cluster = FakeDemoCluster()
    cluster.open = True
    with pytest.raises(CheckFailed, match="without a key: expected 401, got 200"):
        _shown(cluster)


def test_one_failed_question_fails_with_its_body() -> None:
    cluster = FakeDemoCluster()
    cluster.refuse["17"] = Answer(status=503, body="no healthy upstream")
    with pytest.raises(CheckFailed, match=r"1 of 400 questions failed, the last with 503 \(no healthy upstream\)"):
        _shown(cluster)


@pytest.mark.parametrize(
    ("every", "by_canary"), [(10**6, 0), (2, 200)], ids=["silent canary", "twice five times too much"]
)
def test_a_split_that_is_not_the_declared_one_fails(every: int, by_canary: int) -> None:
    cluster = FakeDemoCluster()
    cluster.every = every
    with pytest.raises(CheckFailed, match=rf"expected 10 % of 400 answers by the canary, got {by_canary}"):
        _shown(cluster)


def test_an_answer_of_a_version_that_is_not_declared_fails() -> None:
    cluster = FakeDemoCluster()
    cluster.refuse["5"] = Answer(status=200, version="2019-01-01-9999", items=("8",))
    with pytest.raises(CheckFailed, match="not 2019-01-01-9999"):
        _shown(cluster)


def test_missing_manifests_are_reported_with_the_target_that_applies_them() -> None:
    class Empty(FakeCluster):
        def service(self) -> dict[str, Any]:
            raise InputError("expected a cluster with KServe, its kinds are not there; install KServe first")

    cluster = FakeDemoCluster()
    cluster.cluster = Empty()
    with pytest.raises(InputError, match="install KServe first; `make kind-deploy` does"):
        _shown(cluster)


KUBECTL = """#!{python}
import base64, os, socket, sys, threading
words = sys.argv[1:]
if words[0] == "get" and words[1].startswith("deployment") and not {port}:
    sys.exit(1)
if words[:2] == ["get", "secret"]:
    print(base64.b64encode(b"{key}").decode(), end="")
if words[0] == "port-forward":
    assert words[1:4] == ["-n", "kubeflow", "service/ml-pipeline"], words
    listen, _ = next(word for word in words if word.endswith(":8888")).split(":")
    if not os.path.exists({once!r}):
        open({once!r}, "w").close()
        sys.exit("error: lost connection to pod")
    def pump(source, sink):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    with socket.create_server(("127.0.0.1", int(listen))) as listener:
        while True:
            near, far = listener.accept()[0], socket.create_connection(("127.0.0.1", {port}))
            threading.Thread(target=pump, args=(near, far), daemon=True).start()
            threading.Thread(target=pump, args=(far, near), daemon=True).start()
"""


def _kubectl(folder: Path, monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    """Beside the programs of the machine, one that forwards to this port; its first port-forward ends at once."""
    kubectl = folder / "kubectl"
    kubectl.write_text(KUBECTL.format(python=sys.executable, key=KEY, once=str(folder / "once"), port=port))
    kubectl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


@pytest.fixture
def kfp() -> Iterator[FakeKfp]:
    with fake_kfp() as fake:
        yield fake


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> KubectlCluster:
    monkeypatch.setattr("pipelines.kind.kubectl.Cluster", lambda namespace: FakeCluster())
    return KubectlCluster()


def test_the_run_goes_through_a_port_forward_that_is_made_again_when_it_ends(
    kfp: FakeKfp, cluster: KubectlCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    _kubectl(tmp_path, monkeypatch, int(kfp.host.rpartition(":")[2]))
    run = cluster.train()
    assert list(kfp.runs) == [run]
    output = capfd.readouterr().out
    assert f"http://127.0.0.1:8888/#/runs/details/{run}" in output and "the run succeeded" in output
    assert cluster.key() == KEY


def test_a_run_that_fails_is_a_failed_check_and_reports_how_to_go_on(
    kfp: FakeKfp, cluster: KubectlCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _kubectl(tmp_path, monkeypatch, int(kfp.host.rpartition(":")[2]))
    monkeypatch.setattr("pipelines.kind.kubectl.find_program", lambda _: "false")
    with pytest.raises(CheckFailed, match=r"exit 1; its output is above; finished steps come from KFP's cache"):
        cluster.train()


def test_without_kfp_the_model_is_trained_here_and_no_page_is_named(
    cluster: KubectlCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _kubectl(tmp_path, monkeypatch, 0)
    released = []
    monkeypatch.setattr("pipelines.kind.kubectl.release_from_here", lambda *arguments: released.append(arguments))
    assert cluster.train() == "" and cluster.page("") == ""
    assert released == [(cluster.cluster, HERE)]
    demo = FakeDemoCluster()
    demo.kfp = False
    rest = "\n".join(_shown(demo)[4:])
    assert "rollout promote --namespace aisle" in rest and "8888" not in rest and "submit" not in rest


def test_a_port_forward_that_never_listens_is_reported_in_kubectls_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kubectl").write_text("#!/bin/sh\necho error: services ml-pipeline not found >&2; exit 1\n")
    (tmp_path / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("pipelines.kind.port_forward.FORWARD_S", 0.5)
    with (
        pytest.raises(StageFailed, match=r"expected ready within .*services ml-pipeline not found"),
        forwarded(tmp_path, "kubeflow", "ml-pipeline", 8888),
    ):
        pass


@contextmanager
def _gateway(status: int, body: bytes) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A gateway that answers every question so; (its address, the headers of each)."""
    headers: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            headers.append(dict(self.headers.items()))
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.path == "/v2/models/aisle/infer" and asked["inputs"][0]["data"] == ["12"]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", headers
        server.shutdown()


def test_a_question_has_the_services_host_and_the_key_and_its_answer_is_read(cluster: KubectlCluster) -> None:
    outputs = [{"name": "item_id", "data": ["8", "9"]}, {"name": "reason", "data": ["repeat", "popular"]}]
    with _gateway(200, json.dumps({"model_version": "v1", "outputs": outputs}).encode()) as (cluster.gateway, headers):
        answer = cluster.ask("12", KEY)
        cluster.ask("12", "")
    assert answer == Answer(status=200, version="v1", items=("8", "9"), reasons=("repeat", "popular"))
    sent = [{name.lower(): value for name, value in request.items()} for request in headers]
    assert [request["host"] for request in sent] == ["aisle-aisle.example.com"] * 2
    assert [request.get("x-api-key") for request in sent] == [KEY, None]
    assert all(request["x-user-id"] for request in sent), "what the gateway splits by"


def test_a_refusal_and_silence_are_answers_too(cluster: KubectlCluster) -> None:
    with _gateway(503, b"no healthy upstream") as (cluster.gateway, _):
        assert cluster.ask("12", KEY) == Answer(status=503, body="no healthy upstream")
    assert cluster.ask("12", KEY).status == 0


def test_the_run_of_the_demo_overrides_the_gate_with_a_reason_that_it_takes() -> None:
    values = dict(pair.split("=", 1) for pair in OVERRIDE[1::2])
    assert OVERRIDE[::2] == ("--param", "--param")
    assert refusal(values["override_reason"], values["override_by"]) == ""
    assert set(values) <= set(train_and_release.cluster.component_spec.inputs or {})
