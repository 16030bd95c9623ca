"""What wrong labels, other shares of negatives, less data and another season cost.

`python -m benchmarks noise` needs what `python -m benchmarks quality` and `python -m benchmarks ablation`
left. It measures what is not there yet, and writes build/bench/noise.json. Where only labels or
negatives differ, the ranker alone is trained, on the ablation's candidates; where data is missing or old, everything.
"""

import dataclasses
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ablation import __main__ as ablation
from benchmarks.ablation import ranking as ablation_ranking
from benchmarks.ablation.__main__ import SEED, World
from benchmarks.ablation.towers import AS_IT_IS, OTHER_SEED
from benchmarks.harness import shop, study
from benchmarks.harness.result_file import RESULTS
from benchmarks.harness.shop import CUTS
from benchmarks.harness.study import Measured, Study
from components.evaluate.predictions import lists
from components.train.run import train
from model.data.trips import Trips, slice_positions
from model.package import loaded_model as package
from tfx_configs.recipes import full
from tfx_configs.stages import TrainStage
from tfx_configs.units import DAY_S


def replaced(trips: Trips, percent: float, seed: int) -> Trips:
    """A share of what the training trips bought becomes another item, drawn by how often items are bought.

    Only labels change: the histories still have what was bought. What is drawn may be in the basket already.
    """
    rng = np.random.default_rng(seed)
    trip_L, item_L = _labels(trips)
    wrong = rng.random(len(item_L)) < percent / 100
    item_L = np.where(wrong, rng.choice(item_L, len(item_L)), item_L)
    return _labelled(trips, trip_L, item_L)


def dropped(trips: Trips, percent: float, seed: int) -> Trips:
    """A share of what the training trips bought is missing from their labels: a purchase that was not recorded."""
    trip_L, item_L = _labels(trips)
    left = np.random.default_rng(seed).random(len(item_L)) >= percent / 100
    return _labelled(trips, trip_L[left], item_L[left])


def of_some_shoppers(trips: Trips, percent: float, seed: int) -> Trips:
    """Training trips of a drawn share of the shoppers; the test trips of all."""
    chosen_U = np.random.default_rng(seed).permutation(len(trips.user_ids)) < len(trips.user_ids) * percent / 100
    return _only(trips, (trips.time_T >= trips.cut_s) | chosen_U[trips.user_T])


def since(trips: Trips, first_s: int) -> Trips:
    """As if recording had begun then: no earlier training trips, and no earlier purchase in any history, the judged
    trips' included."""
    early = np.concatenate([[0], np.cumsum(trips.event_time_E < first_s)])
    begin_T, end_T = trips.history_begin_T, trips.history_end_T
    later = dataclasses.replace(trips, history_begin_T=begin_T + early[end_T] - early[begin_T])
    return _only(later, trips.time_T >= first_s)


def _labels(trips: Trips) -> tuple[np.ndarray, np.ndarray]:
    """(trip, item): [L] each."""
    which = np.flatnonzero(trips.time_T < trips.cut_s)
    at, row = slice_positions(trips.basket_begin_T[which], trips.basket_end_T[which])
    return which[row], trips.basket_item_B[at]


def _labelled(trips: Trips, trip_L: np.ndarray, item_L: np.ndarray) -> Trips:
    """The trips with other baskets before the cut; an item twice in a basket counts once."""
    test = np.flatnonzero(trips.time_T >= trips.cut_s)
    at, row = slice_positions(trips.basket_begin_T[test], trips.basket_end_T[test])
    trip_B, item_B = np.concatenate([trip_L, test[row]]), np.concatenate([item_L, trips.basket_item_B[at]])
    items = len(trips.item_ids)
    pair_B = np.unique(trip_B * items + item_B)
    end_T = np.searchsorted(pair_B, np.arange(1, len(trips) + 1) * items)
    return dataclasses.replace(
        trips,
        basket_item_B=(pair_B % items).astype(np.int32),
        basket_begin_T=np.concatenate([[0], end_T[:-1]]),
        basket_end_T=end_T,
    )


def _only(trips: Trips, chosen_T: np.ndarray) -> Trips:
    names = [field.name for field in dataclasses.fields(Trips) if field.name.endswith("_T")]
    return dataclasses.replace(trips, **{name: getattr(trips, name)[chosen_T] for name in names})


OUT = RESULTS / "noise"
K = 20
CLEAN = "clean"
SHARES = (5.0, 10.0, 20.0)
LABELS: dict[str, Callable[[Trips], Trips]] = {
    f"{percent:g} % {change.__name__}": partial(change, percent=percent, seed=SEED)
    for change in (replaced, dropped)
    for percent in SHARES
}
NEGATIVES = {f"{percent:g} % of the negatives": percent for percent in (20.0, 100.0)}
LESS = {"a quarter of the history": "history", "a quarter of the shoppers": "shoppers"}
AGED = {f"trained until {cut}": cut for cut in reversed(CUTS[:-1])}


def main(most: study.Most = None, kind: study.Kind = None) -> dict[str, Any]:
    world = World(shop.examples())

    def variants(make: Callable[[World, str], np.ndarray], names: list[str]) -> dict[str, Callable[[], Measured]]:
        return {name: lambda name=name: world.measured(make(world, name)) for name in names}  # type: ignore[misc]

    # Beside the ablation's own rankers, from which they differ in the labels alone.
    rankers = Study(
        folder=ablation.OUT / "rankers",
        variants=variants(rank, [*LABELS, *NEGATIVES]),
        reference=AS_IT_IS,
        seed=SEED,
    )
    models = Study(folder=OUT, variants=variants(ask, [CLEAN, *AGED, *LESS]), reference=CLEAN, seed=SEED)
    study.measure({"rankers": rankers, "models": models}, most, kind)
    compared = {"rankers": rankers.compared(also=(AS_IT_IS, OTHER_SEED)), "models": models.compared()}
    about = {"cut": CUTS[-1], "trips": len(world.which), "ranking_days": ablation.RANKING_DAYS}
    return about | compared


def rank(world: World, name: str) -> np.ndarray:
    """[N, K] items by the ranker as it is, taught by other labels or with another share of negatives."""
    samples, judged = world.samples(preranked=True)
    settings = ablation.settings(SEED).train
    settings = settings.replace(negative_percent=NEGATIVES.get(name, settings.negative_percent))
    trips = LABELS[name](world.trips) if name in LABELS else world.trips
    as_it_is = ablation_ranking.RANKERS[AS_IT_IS]
    return ablation_ranking.train_and_list(
        as_it_is, world.catalog, world.features, samples, samples.bought_C(trips), judged, settings
    )


def ask(world: World, name: str) -> np.ndarray:
    """[N, K] items by a whole model."""
    if name == CLEAN:
        return shop.listed(f"aisle-{SEED}")
    if name in AGED:
        aged = package.load(shop.model(AGED[name]))
        return lists(aged, world.trips, world.which, K).items_Nk
    trips = less(world.trips, LESS[name])
    model = OUT / LESS[name] / "model"
    with tempfile.TemporaryDirectory(prefix="aisle-noise-") as folder:
        train(run=TrainStage.of(full()), examples_dir=shop.with_trips(trips, Path(folder)), model_dir=model)
    gone = len(world.trips) - len(trips)  # all of them before the cut, and trips are sorted by time
    return lists(package.load(model), trips, world.which - gone, K).items_Nk


def less(trips: Trips, what: str) -> Trips:
    """The last quarter of the time before the cut, or a quarter of the shoppers."""
    if what == "shoppers":
        return of_some_shoppers(trips, 25.0, SEED)
    first_s = int(trips.time_T.min())
    return since(trips, (trips.cut_s - (trips.cut_s - first_s) // 4) // DAY_S * DAY_S)
