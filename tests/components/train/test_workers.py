"""Two workers of a TrainJob learn what one learns: processes on this machine, against the training in this one."""

import os
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.artifacts.training import TrainingRecord
from components.evaluate.predictions import lists
from components.rollout.local.processes import free_port
from model.files import read_json
from model.package.manifest import read_manifest
from tests.components.train.conftest import Trained, loaded
from tests.components.train.test_train_job import NAME, RUN, cluster, follow, value, words
from tests.components.train.worker import weights_of
from tfx_configs.settings import RunSettings
from tfx_configs.stages import TrainStage


@dataclass(frozen=True, kw_only=True)
class Job:
    """A TrainJob that has ended: what the step returned, and the jobs that are left. `root` has the model and what
    the workers noted."""

    root: Path
    run: RunSettings
    version: str
    record: TrainingRecord
    left: dict[str, Any]


@pytest.fixture(scope="module")
def ended(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """The workers are processes that run what the job and its runtime name, here on addresses of this machine."""
    root, run = tmp_path_factory.mktemp("workers"), trained.run.replace(resources=RUN.resources)
    running: list[Future[list[int]]] = []

    def start(created: dict[str, Any]) -> list[int]:
        addresses = ",".join(f"127.0.0.1:{free_port()}" for _ in value(created, "--workers").split(","))
        command = [addresses if word == value(created, "--workers") else word for word in words(created)]
        return run_workers([sys.executable, "-m", "tests.components.train.worker", str(root), *command], 2)

    def workers(created: dict[str, Any]) -> str:
        if not running:
            running.append(pool.submit(start, created))
        return "" if not running[0].done() else "Complete" if running[0].result() == [0, 0] else "Failed"

    pool = ThreadPoolExecutor(1)
    with cluster(root, workers) as (trainer, jobs):
        version, record = follow(jobs, root, trained.examples, run)
    return Job(root=root, run=run, version=version, record=record, left=trainer.jobs)


def run_workers(command: list[str], count: int) -> list[int]:
    """Exit codes of so many processes, numbered as Kubernetes numbers the pods of an indexed job."""
    environments = [
        os.environ | {"JOB_COMPLETION_INDEX": str(n), "PYTHONPATH": os.pathsep.join(sys.path)} for n in range(count)
    ]
    processes = [subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) for environment in environments]
    try:
        return [process.wait(timeout=500) for process in processes]
    finally:
        for process in processes:
            process.kill()


def test_two_workers_train_the_model_that_the_step_hands_on(ended: Job) -> None:
    assert ended.version == read_manifest(ended.root / "model").version
    assert ended.record.curves["ranker"] and ended.record.settings is not None
    assert TrainStage.from_dict(ended.record.settings) == TrainStage.of(ended.run)
    assert ended.left == {} and not (ended.root / "shared" / NAME).exists()


def test_two_workers_end_with_equal_weights_and_the_chief_exports_what_one_worker_learns(
    ended: Job, trained: Trained
) -> None:
    first, second = (np.load(ended.root / f"weights{worker}.npz") for worker in range(2))
    single = weights_of(trained.learned)
    assert first.files == second.files == list(single)
    for name, weight in single.items():
        assert np.array_equal(first[name], second[name])
        assert first[name] == pytest.approx(weight, abs=1e-3)

    assert [path.name for path in ended.root.glob("exported*")] == ["exported0"]
    judged = trained.trips.first_test_trips()
    listed_by_two, listed_by_one = (
        lists(loaded(model), trained.trips, judged, k=10).items_Nk for model in (ended.root / "model", trained.model)
    )
    assert (listed_by_two == listed_by_one).mean() > 0.95
    curves = read_json(ended.root / "model" / "training.json")["curves"]
    for part, losses in trained.learned.record.as_json()["curves"].items():
        assert [curves[part][n]["loss"] for n in range(len(losses))] == pytest.approx(
            [epoch["loss"] for epoch in losses], rel=1e-4
        )
    assert curves["towers"][1]["loss"] < curves["towers"][0]["loss"]
