"""The towers' loss against a second formula."""

from typing import Any

import numpy as np
import pytest

from components.train.towers import TwoTowers, retrieve
from model.data.batch import Batch
from model.system.legacy_keras import tf
from tests.model.small_catalog import ITEMS, Ask, batch, small_catalog
from tfx_configs.settings import TrainSettings

TEMPERATURE = 0.5
POPULARITY = (6.0, 5.0, 1.0, 3.0, 0.0)
"""Of small_catalog's items at its last snapshot."""
BOUGHT = (("b", 0), ("e", 0), ("d", 1))
"""(item, trip); trip 0 is of a shopper who bought e before."""


@pytest.fixture
def towers() -> TwoTowers:
    tf.keras.utils.set_random_seed(1)
    settings = TrainSettings(dimension=4, temperature=TEMPERATURE, uniform_negatives=0)
    return TwoTowers(small_catalog(), settings)


def inputs() -> dict[str, np.ndarray]:
    trips = batch(Ask(70, (("e", 60),)), Ask(70, (("a", 60),)))
    fields = {name: np.asarray(value) for name, value in trips._asdict().items()}
    items = np.array([ITEMS.index(item) for item, _ in BOUGHT], np.int32)
    return fields | {"basket_item": items, "basket_row": np.array([row for _, row in BOUGHT], np.int32)}


def second_formula(towers: TwoTowers, probability_I: np.ndarray, drawn: list[int]) -> float:
    """Mean over first-time purchases of -log softmax(query . item / temperature - log probability), a candidate that is
    the same item left out."""
    fields = inputs()
    first_time = [0, 2]
    item_N, row_N = fields["basket_item"][first_time], fields["basket_row"][first_time]
    item_M = np.concatenate([item_N, drawn]).astype(int)
    query_Bd = towers.queries(_batch(fields)).numpy()
    vector_Md = towers.items(tf.constant(item_M)).numpy()
    losses = []
    for n, row in enumerate(row_N):
        logit_M = vector_Md @ query_Bd[row] / TEMPERATURE - np.log(probability_I[item_M])
        negatives = [m for m in range(len(item_M)) if m == n or item_M[m] != item_N[n]]
        losses.append(np.log(np.exp(logit_M[negatives]).sum()) - logit_M[n])
    return float(np.mean(losses))


def _batch(fields: dict[str, np.ndarray]) -> Batch:
    return Batch(*(tf.constant(fields[name]) for name in Batch._fields))


def test_the_loss_subtracts_the_log_of_how_likely_an_item_is_drawn(towers: TwoTowers) -> None:
    share_I = (np.array(POPULARITY) + 1) / (np.array(POPULARITY) + 1).sum()
    loss = towers.compute_loss({name: tf.constant(value) for name, value in inputs().items()})
    assert float(loss) == pytest.approx(second_formula(towers, share_I, []), rel=1e-5)


def test_no_trips_have_no_neighbours(towers: TwoTowers) -> None:
    nothing: Any = None
    assert retrieve(towers, nothing, nothing, np.zeros(0, int), 3).shape == (0, 3)


def test_the_correction_helps_popular_positives(towers: TwoTowers) -> None:
    """Without it, being often a negative would push popular items down: its sign is that of the formula above, not the
    other."""
    share_I = (np.array(POPULARITY) + 1) / (np.array(POPULARITY) + 1).sum()
    loss = towers.compute_loss({name: tf.constant(value) for name, value in inputs().items()})
    assert float(loss) != pytest.approx(second_formula(towers, 1 / share_I, []), rel=1e-3)


def test_uniform_negatives_count_by_how_likely_both_draws_together_are(
    towers: TwoTowers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two positives by popularity and two draws from the four active items; drawn are a and d."""
    towers._uniform = 2
    places = {item: n for n, item in enumerate(towers._active_A.numpy().tolist())}
    drawn = [ITEMS.index("a"), ITEMS.index("d")]
    monkeypatch.setattr(tf.random, "uniform", lambda *_, **__: tf.constant([places[item] for item in drawn]))
    share_I = (np.array(POPULARITY) + 1) / (np.array(POPULARITY) + 1).sum()
    loss = towers.compute_loss({name: tf.constant(value) for name, value in inputs().items()})
    assert float(loss) == pytest.approx(second_formula(towers, (2 * share_I + 2 / 4) / 4, drawn), rel=1e-5)
