"""Several workers learn what one learns: two processes on this machine, against the training in this one."""

import itertools
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
from model.files import read_json
from model.system.legacy_keras import tf
from tests.components.train.conftest import Trained, loaded
from tests.components.train.worker import weights_of


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
    single = weights_of(trained.learned)
    assert first.files == second.files == list(single)
    for name, weight in single.items():
        assert np.array_equal(first[name], second[name])
        assert first[name] == pytest.approx(weight, abs=1e-3)

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


def shares(size: int, share: tuple[int, int], seed: int | None = 3, trips: int = 9) -> list[list[int]]:
    """The trips of each batch, of one epoch."""
    return [
        batch["row_B"].numpy().tolist() for batch in batches(lambda rows, _: {"row_B": rows}, trips, size, seed, share)
    ]


def test_the_shares_of_a_batch_are_the_batch_and_a_tail_too_small_to_share_is_left_out() -> None:
    """Nine trips in batches of four: the last batch has one, and two workers leave it out."""
    whole, *halves = (shares(4, share) for share in ((0, 1), (0, 2), (1, 2)))
    assert [len(rows) for rows in whole] == [4, 4, 1] and sorted(itertools.chain(*whole)) == list(range(9))
    assert [[first[0], second[0], first[1], second[1]] for first, second in zip(*halves, strict=True)] == whole[:2]


def test_without_a_seed_batches_are_in_order_and_a_divisible_number_of_trips_has_no_tail() -> None:
    assert shares(4, (0, 1), seed=None, trips=8) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert shares(4, (1, 2), seed=None, trips=8) == [[1, 3], [5, 7]]
    assert shares(4, (0, 1), trips=0) == []


def test_each_epoch_has_its_number_and_its_order_and_watched_trips_have_the_first_ones() -> None:
    def read(seed: int | None) -> list[tuple[list[int], int]]:
        def prepare(rows: np.ndarray, epoch: int) -> dict[str, np.ndarray]:
            return {"row_B": rows, "epoch_B": np.full(len(rows), epoch)}

        data = batches(prepare, 100, 100, seed)
        assert int(data.cardinality()) == 1
        epochs = [next(iter(data)) for _ in range(3)]
        return [(epoch["row_B"].numpy().tolist(), int(epoch["epoch_B"][0])) for epoch in epochs]

    (first, *others), watched = read(7), read(None)
    assert [epoch for _, epoch in (first, *others)] == [0, 1, 2]
    assert first[0] != others[0][0] != others[1][0] and sorted(first[0]) == list(range(100))
    assert watched == [(list(range(100)), 0)] * 3 and read(7) == [first, *others]


def test_an_error_of_a_batch_ends_the_epoch_with_it() -> None:
    def prepare(rows: np.ndarray, epoch: int) -> dict[str, np.ndarray]:
        if 5 in rows:
            raise ValueError("trip 5 is broken")
        return {"row_B": rows}

    with pytest.raises(tf.errors.InvalidArgumentError, match="trip 5 is broken"):
        list(batches(prepare, 9, 2, None))


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
