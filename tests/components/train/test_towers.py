"""The towers' loss against a second formula."""

from typing import Any

import numpy as np
import pytest

from components.train.towers import FirstPurchases, TwoTowers, retrieve
from model.data.batch import TripReader
from model.features.recent import Recent
from model.system.legacy_keras import tf
from tests.model.small_catalog import ITEMS, small_catalog
from tests.trips_of_events import build_trips
from tests.worlds import purchases, seconds
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
    """Of two trips, as training reads them."""
    catalog = small_catalog()
    events = purchases(("u1", 60, "e"), ("u2", 60, "a"), ("u1", 70, "b e"), ("u2", 70, "d"))
    trips = build_trips(events, catalog.item_ids, seconds(90), 100)
    return FirstPurchases(TripReader(trips, catalog), catalog, np.array([2, 3]))(np.array([0, 1]), 0)


def test_what_was_bought_before_is_no_first_purchase() -> None:
    """BOUGHT less what its shopper bought before."""
    read = inputs()
    pairs = [(ITEMS[item], int(row)) for item, row in zip(read["item_N"], read["row_N"], strict=True)]
    assert pairs == [pair for pair in BOUGHT if pair != ("e", 0)]


def second_formula(towers: TwoTowers, probability_I: np.ndarray, drawn: list[int]) -> float:
    """Mean over first-time purchases of -log softmax(query . item / temperature - log probability), a candidate that is
    the same item left out."""
    fields = inputs()
    item_N, row_N = fields["item_N"], fields["row_N"]
    item_M, catalog = np.concatenate([item_N, drawn]).astype(int), small_catalog()
    query_Bd = towers.queries(Recent(*(tf.constant(fields[name]) for name in Recent._fields))).numpy()
    vector_Md = towers.items(catalog.vocabulary_I[item_M], catalog.attribute_IA[item_M]).numpy()
    losses = []
    for n, row in enumerate(row_N):
        logit_M = vector_Md @ query_Bd[row] / TEMPERATURE - np.log(probability_I[item_M])
        negatives = [m for m in range(len(item_M)) if m == n or item_M[m] != item_N[n]]
        losses.append(np.log(np.exp(logit_M[negatives]).sum()) - logit_M[n])
    return float(np.mean(losses))


def test_the_loss_subtracts_the_log_of_how_likely_an_item_is_drawn(towers: TwoTowers) -> None:
    share_I = (np.array(POPULARITY) + 1) / (np.array(POPULARITY) + 1).sum()
    loss = towers.compute_loss({name: tf.constant(value) for name, value in inputs().items()})
    assert float(loss) == pytest.approx(second_formula(towers, share_I, []), rel=1e-5)


def test_no_trips_have_no_neighbours() -> None:
    nothing: Any = None
    assert retrieve(nothing, nothing, nothing, np.zeros(0, int), 3).shape == (0, 3)


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
