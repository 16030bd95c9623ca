"""Chooses how the towers read a shopper, where `train.query` leaves it to the data."""

from typing import NamedTuple

import numpy as np

from components.kfp_support.progress import progress
from components.train.input_pipeline import LossCurve
from components.train.new_networks import new_networks, recommender_of
from components.train.towers import TwoTowers, item_index, retrieve, train_towers
from components.train.trip_split import TrainingTrips
from model.data.batch import TripReader
from model.data.catalog import Catalog
from model.data.membership import contains
from model.data.trips import Trips
from model.networks.query_towers import QUERY_TOWERS
from model.networks.trained import TrainedNetworks
from tfx_configs.stages import TrainStage

MOST_REPEATS = 0.25
"""Share of the purchases that were bought before: with more, the history itself is the best source, and the
order of events adds little to it."""
JUDGED = 2000
"""Trips that measure what towers find."""
PLACES = 50
"""Of a tower's list, at most a tenth of what can be listed."""


class EarlyTowers(NamedTuple):
    """Towers that have seen the early trips, among networks of which nothing else is trained."""

    query: str
    towers: TwoTowers
    networks: TrainedNetworks
    watch: LossCurve
    recall: dict[str, float]
    """{query: recall of what was new on the ranker's trips}; {} where there was no choice."""


def train_early(run: TrainStage, reader: TripReader, catalog: Catalog, learning: TrainingTrips) -> EarlyTowers:
    """The towers of the settings; of several, those that find more of what is new on later trips before the cut."""
    trained: list[EarlyTowers] = []
    recall: dict[str, float] = {}
    wanted = queries(run.train.query, reader.trips)
    for query in wanted:
        watch = LossCurve("towers" if len(wanted) == 1 else f"towers with {query}")
        towers, networks = new_networks(run, catalog, query)
        train_towers(towers, catalog, reader, learning.early, run.train, watch, valid=learning.valid)
        trained.append(EarlyTowers(query, towers, networks, watch, recall))
        if len(wanted) > 1:
            recall[query] = recall_of_new(run, reader, catalog, towers, networks, learning.ranking[-JUDGED:])
            progress(f"{query}: recall of what is new {recall[query]:.4f}")
    return max(trained, key=lambda early: recall.get(early.query, 0.0))


def queries(setting: str, trips: Trips) -> tuple[str, ...]:
    """Those of QUERY_TOWERS that are to be compared."""
    if setting != "auto":
        return (setting,)
    return ("taste",) if repeat_share(trips) > MOST_REPEATS else tuple(QUERY_TOWERS)


def repeat_share(trips: Trips) -> float:
    """Share of the purchases before the cut that the same shopper had made before."""
    before_E = trips.event_time_E < trips.cut_s
    pair_E = trips.event_user_E[before_E].astype(np.int64) * len(trips.item_ids) + trips.event_item_E[before_E]
    return 1.0 - len(np.unique(pair_E)) / max(len(pair_E), 1)


def recall_of_new(
    run: TrainStage,
    reader: TripReader,
    catalog: Catalog,
    towers: TwoTowers,
    networks: TrainedNetworks,
    which: np.ndarray,
) -> float:
    """Of what was bought on these trips for the first time, the share that the towers list."""
    recommender = recommender_of(run, catalog, networks)
    index = item_index(towers, recommender, catalog, reader, which)
    places = min(PLACES, max(len(catalog.active_items()) // 10, 1))
    listed_nk = retrieve(recommender, index, reader, which, places)
    item_L, row_L = reader.baskets(which)
    batch = reader.batch(which)
    new_L = ~contains(row_L, item_L, batch.history_row_H, batch.history_item_H)
    listed_L = (listed_nk[row_L] == item_L[:, None]).any(axis=1)
    return float(listed_L[new_L].mean()) if new_L.any() else 0.0
