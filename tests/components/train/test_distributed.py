"""Several workers learn what one learns: two processes on this machine, against the training in this one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from components.evaluate.predictions import lists
from components.rollout.local.processes import free_port
from components.train.distributed import is_chief
from components.train.input_pipeline import batches
from model.data.batch import TripReader
from model.files import read_json
from tests.components.train.conftest import Trained, loaded


def tf_config(task: str, index: int, **cluster: list[str]) -> str:
    return json.dumps({"cluster": cluster, "task": {"type": task, "index": index}})


def test_two_workers_end_with_equal_weights_and_the_chief_exports_what_one_worker_learns(
    trained: Trained, tmp_path: Path
) -> None:
    (tmp_path / "settings.json").write_text(trained.run.to_json())
    addresses = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    module = [sys.executable, "-m", "tests.components.train.worker", "settings.json", str(trained.examples)]
    processes = [
        subprocess.Popen(
            [*module, f"model{index}", f"weights{index}.npz"],
            cwd=tmp_path,
            env=os.environ
            | {"TF_CONFIG": tf_config("worker", index, worker=addresses), "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for index in range(2)
    ]
    try:
        errors = [process.communicate(timeout=500)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], errors

    first, second = (np.load(tmp_path / f"weights{index}.npz") for index in range(2))
    single = trained.learned.recommender.trainable_variables
    assert first.files == second.files == [str(n) for n in range(len(single))]
    for n, weight in enumerate(single):
        assert np.array_equal(first[str(n)], second[str(n)])
        assert first[str(n)] == pytest.approx(weight.numpy(), abs=1e-3)

    assert not (tmp_path / "model1").exists()
    judged = trained.trips.first_test_trips()
    listed_by_two, listed_by_one = (
        lists(loaded(model), trained.trips, judged, k=10).items_Nk for model in (tmp_path / "model0", trained.model)
    )
    assert (listed_by_two == listed_by_one).mean() > 0.95
    curves = read_json(tmp_path / "model0" / "training.json")["curves"]
    for part, losses in trained.learned.record.as_json()["curves"].items():
        assert [curves[part][n]["loss"] for n in range(len(losses))] == pytest.approx(
            [epoch["loss"] for epoch in losses], rel=1e-4
        )
    assert curves["towers"][1]["loss"] < curves["towers"][0]["loss"]


def test_the_shares_of_a_batch_are_the_batch_and_a_tail_too_small_to_share_is_left_out(trained: Trained) -> None:
    """Nine trips in batches of four: the last batch has one, and two workers leave it out."""
    reader, which = TripReader(trained.trips, trained.catalog), np.arange(9)
    whole, *halves = (
        [batch["time_B"].numpy().tolist() for batch in batches(reader, which, 4, seed=3, share=share)]
        for share in ((0, 1), (0, 2), (1, 2))
    )
    assert [len(times) for times in whole] == [4, 4, 1]
    assert [[first[0], second[0], first[1], second[1]] for first, second in zip(*halves, strict=True)] == whole[:2]


@pytest.mark.parametrize(
    ("config", "chief"),
    [
        ("{}", True),
        (tf_config("worker", 0, worker=["a:1", "b:1"]), True),
        (tf_config("worker", 1, worker=["a:1", "b:1"]), False),
        (tf_config("chief", 0, chief=["a:1"], worker=["b:1"]), True),
        (tf_config("worker", 0, chief=["a:1"], worker=["b:1"]), False),
    ],
)
def test_one_process_writes_the_model(config: str, chief: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CONFIG", config)
    assert is_chief() is chief
