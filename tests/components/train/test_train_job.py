"""The step Train with workers, against a server that speaks the API of Kubernetes and plays Kubeflow Trainer."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from components import job
from components.artifacts.training import TrainingRecord
from components.train import train_job as step
from components.train.train_job import TrainJobs, train_job, train_on_workers
from model.errors import InputError, StageFailed
from pipelines.manifests.render import ROOT
from tfx_configs.settings import RunSettings
from tfx_configs.stages import TrainStage

NAME = "aisle-train-0123456789"
RUN = RunSettings.from_dict({"resources": {"train_workers": 2, "events": 14_700_000}})
Workers = Callable[[dict[str, Any]], str]
"""What the controller makes of a job: the condition that it ends with, or nothing while it runs."""


class Trainer:
    """TrainJobs in memory. A job ends at its second reading, as `workers` decide."""

    def __init__(self, workers: Workers) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.created: list[dict[str, Any]] = []
        self.workers, self.installed, self.readings = workers, True, 0

    def answer(self, verb: str, path: str, body: Any) -> tuple[int, dict[str, Any]]:
        name = path.partition("?")[0].rpartition("/trainjobs")[2].strip("/")
        self.calls.append(verb)
        if not self.installed:
            return 404, {"message": "the server could not find the requested resource"}
        if verb == "POST":
            self.jobs[body["metadata"]["name"]] = body
            self.created.append(body)
            return 201, body
        if name not in self.jobs:
            return 404, {"message": f'trainjobs.trainer.kubeflow.org "{name}" not found'}
        if verb == "DELETE":
            return 200, self.jobs.pop(name)
        return 200, self._read(self.jobs[name])

    def _read(self, job: dict[str, Any]) -> dict[str, Any]:
        if "status" not in job:
            job["status"] = {"jobsStatus": [{"name": "node", "ready": 2}]}
        elif end := self.workers(job):
            job["status"]["conditions"] = [condition(end)]
        return job


def condition(end: str) -> dict[str, str]:
    return {"type": end, "status": "True", "reason": "JobSet", "message": f"the workers are {end.lower()}"}


@contextmanager
def cluster(folder: Path, workers: Workers) -> Iterator[tuple[Trainer, TrainJobs]]:
    trainer = Trainer(workers)

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size)) if size else None
            status, reply = trainer.answer(self.command, self.path, body)
            text = json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_DELETE = handle_any

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
    address = f"http://127.0.0.1:{server.server_port}"
    config = {
        "current-context": "c",
        "contexts": [context],
        "clusters": [{"name": "c", "cluster": {"server": address}}],
    }
    (folder / "kubeconfig").write_text(yaml.safe_dump(config | {"users": [{"name": "u", "user": {}}]}))
    try:
        yield trainer, TrainJobs("kubeflow", str(folder / "kubeconfig"))
    finally:
        server.shutdown()


def follow(jobs: TrainJobs, root: Path, examples: Path, run: RunSettings = RUN) -> tuple[str, TrainingRecord]:
    return train_on_workers(jobs, NAME, run, examples, root / "model", None, root / "shared" / NAME, every_s=0.01)


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    folder = tmp_path / "examples"
    folder.mkdir()
    (folder / "trips.parquet").write_text("trips")
    return folder


def words(job: dict[str, Any]) -> list[str]:
    arguments: list[str] = job["spec"]["trainer"]["args"]
    return arguments


def value(job: dict[str, Any], option: str) -> str:
    return words(job)[words(job).index(option) + 1]


def test_the_job_names_its_workers_as_kubernetes_names_their_pods(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KFP_POD_NAME", "run-1-train")
    monkeypatch.setenv("KFP_POD_UID", "u-1")
    made = train_job(NAME, "kubeflow", RUN, Path("/registry/training") / NAME, Path("/registry/models/parent"))
    pods = [f"{NAME}-node-0-{n}.{NAME}:2222" for n in range(2)]
    assert value(made, "--workers") == ",".join(pods) and value(made, "--parent") == "/registry/models/parent"
    assert made["spec"]["trainer"]["resourcesPerNode"]["limits"] == {"cpu": "4", "memory": "16G"}
    assert made["metadata"]["ownerReferences"] == [
        {"apiVersion": "v1", "kind": "Pod", "name": "run-1-train", "uid": "u-1"}
    ]
    with_gpus = RunSettings.from_dict({"resources": {"train_workers": 2, "train_gpus": 1}})
    spec = train_job(NAME, "kubeflow", with_gpus, tmp_path, None)["spec"]
    assert spec["trainer"]["resourcesPerNode"]["limits"]["nvidia.com/gpu"] == "1"
    (runtime,) = [o for o in _runtime_objects() if o["kind"] == "TrainingRuntime"]
    assert spec["runtimeRef"] == {"apiGroup": "trainer.kubeflow.org", "kind": runtime["kind"], "name": step.RUNTIME}
    assert runtime["metadata"]["name"] == step.RUNTIME
    (replicated,) = runtime["spec"]["template"]["spec"]["replicatedJobs"]
    (container,) = replicated["template"]["spec"]["template"]["spec"]["containers"]
    assert replicated["name"] == container["name"] == "node" and container["command"][1:] == ["-m", job.__name__]


def _runtime_objects() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((ROOT / "components" / "jobs" / "train.yaml").read_text()))


def test_a_failed_job_stays_for_its_logs_and_is_replaced_by_the_next_try(tmp_path: Path, examples: Path) -> None:
    with cluster(tmp_path, lambda _: "Failed") as (trainer, jobs):
        with pytest.raises(StageFailed) as failed:
            follow(jobs, tmp_path, examples)
        assert f"TrainJob {NAME}: JobSet the workers are failed" in str(failed.value)
        assert f"kubectl logs -n kubeflow --prefix -l jobset.sigs.k8s.io/jobset-name={NAME}" in str(failed.value)
        assert set(trainer.jobs) == {NAME} and "DELETE" not in trainer.calls
        assert not (tmp_path / "shared" / NAME).exists() and not (tmp_path / "model").exists()
        with pytest.raises(StageFailed):
            follow(jobs, tmp_path, examples)
        assert len(trainer.created) == 2 and trainer.calls.count("DELETE") == 1


def test_a_retry_of_the_step_follows_the_job_that_runs(tmp_path: Path, examples: Path) -> None:
    with cluster(tmp_path, lambda _: "Failed") as (trainer, jobs):
        trainer.jobs[NAME] = train_job(NAME, "kubeflow", RUN, tmp_path / "shared" / NAME, None)
        with pytest.raises(StageFailed):
            follow(jobs, tmp_path, examples)
        assert trainer.created == []


def test_a_job_that_somebody_deletes_ends_the_step(tmp_path: Path, examples: Path) -> None:
    def deleted(_: dict[str, Any]) -> str:
        trainer.jobs.clear()
        return ""

    message = f"{NAME}: expected it to end, it was deleted; start the run again"
    with cluster(tmp_path, deleted) as (trainer, jobs), pytest.raises(StageFailed, match=message):
        follow(jobs, tmp_path, examples)


def test_workers_that_find_no_room_are_named_and_the_job_is_removed(
    tmp_path: Path, examples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step, "START_S", 0.05)

    def one_is_ready(created: dict[str, Any]) -> str:
        created["status"]["jobsStatus"][0]["ready"] = 1
        return ""

    with cluster(tmp_path, one_is_ready) as (trainer, jobs):
        trainer.jobs[NAME] = train_job(NAME, "kubeflow", RUN, tmp_path / "shared" / NAME, None)
        trainer.jobs[NAME]["status"] = {"jobsStatus": [{"name": "node", "ready": 0}]}
        with pytest.raises(StageFailed, match="expected 2 workers to be ready within 0 minutes, got 1; make room"):
            follow(jobs, tmp_path, examples)
        assert trainer.jobs == {}


def test_a_cluster_without_the_trainer_is_named(tmp_path: Path, examples: Path) -> None:
    with cluster(tmp_path, lambda _: "") as (trainer, jobs):
        trainer.installed = False
        with pytest.raises(InputError, match="expected a cluster with Kubeflow Trainer, it has none of its kinds"):
            follow(jobs, tmp_path, examples)


@pytest.mark.parametrize(
    ("silence_s", "message"), [(300.0, "the workers are failed"), (0.0, "lost sight of it")], ids=["moment", "long"]
)
def test_a_server_that_is_silent_for_a_moment_is_asked_again(
    silence_s: float, message: str, tmp_path: Path, examples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step, "SILENCE_S", silence_s)
    with cluster(tmp_path, lambda _: "Failed") as (_, jobs):
        read, silent = jobs.read, iter([False, True, True])

        def sometimes(name: str) -> dict[str, Any]:
            if next(silent, False):
                raise InputError("expected an API server, none answers")
            return read(name)

        monkeypatch.setattr(jobs, "read", sometimes)
        with pytest.raises(StageFailed, match=message):
            follow(jobs, tmp_path, examples)


def test_a_step_asks_for_a_job_by_its_own_inputs_in_its_own_namespace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str, Path]] = []

    def note(jobs: str, name: str, run: RunSettings, examples: Path, model: Path, parent: Path | None, to: Path) -> str:
        asked.append((jobs, name, to))
        return "version"

    monkeypatch.setattr(step, "TrainJobs", lambda namespace: namespace)
    monkeypatch.setattr(step, "train_on_workers", note)
    account = tmp_path / "namespace"
    account.write_text("team-a")
    monkeypatch.setattr(step, "ACCOUNT_NAMESPACE", account)
    inputs = {
        "settings": TrainStage.of(RUN).to_json(),
        "model": "/m",
        "parent_dir": "",
        "workers_dir": "/shared",
        "code_version": "c",
    }
    for examples in ("/run-1/examples", "/run-1/examples", "/run-2/examples"):
        step.train_here_or_on_workers(examples=examples, **inputs)
    (first, again, other) = asked
    assert first == again != other and first[0] == "team-a"
    assert first[2] == Path("/shared") / first[1] and len(f"{first[1]}-node-0-63") < 63


@pytest.mark.parametrize(("workers", "place", "reported"), [(1, "/shared", False), (2, "", True)])
def test_on_one_machine_and_for_one_worker_the_step_trains_by_itself(
    workers: int, place: str, reported: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trained_here: list[Path | None] = []
    monkeypatch.setattr("components.train.run.train", lambda **inputs: trained_here.append(inputs["parent_dir"]))
    settings = TrainStage.of(RUN.replace(resources=RUN.resources.replace(train_workers=workers))).to_json()
    inputs = {"settings": settings, "examples": "/e", "model": "/m", "parent_dir": "/p", "code_version": "c"}
    step.train_here_or_on_workers(workers_dir=place, **inputs)
    assert trained_here == [Path("/p")]
    assert ("resources.train_workers is ignored" in capsys.readouterr().out) is reported
