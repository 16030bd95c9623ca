"""The shares of several workers, and which of them writes the model; test_workers.py trains with two."""

import itertools
import json

import numpy as np
import pytest

from components.train.distributed import is_chief
from components.train.input_pipeline import batches
from model.system.legacy_keras import tf


def tf_config(task: str, index: int, **cluster: list[str]) -> str:
    return json.dumps({"cluster": cluster, "task": {"type": task, "index": index}})


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
