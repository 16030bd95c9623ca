"""What wrong labels, other shares of negatives, less data and another season cost.

`python -m benchmarks noise` needs what `python -m benchmarks quality` and `python -m benchmarks ablation`
left. It measures what is not there yet, and writes build/bench/noise.json anew. Where only labels or
negatives differ, the ranker alone is trained, on the ablation's candidates; where data is missing or old, everything.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks.ablation import __main__ as ablation
from benchmarks.ablation import ranking as ablation_ranking
from benchmarks.ablation.__main__ import SEED, World
from benchmarks.ablation.towers import AS_IT_IS, OTHER_SEED
from benchmarks.harness import study
from benchmarks.harness.result_file import RESULTS, write_result
from benchmarks.harness.study import Measured, Study
from benchmarks.quality.__main__ import CUTS, FOLDER
from benchmarks.quality.work import list_name
from benchmarks.robustness import trips as noise_trips
from components.artifacts.examples import Examples
from components.evaluate.predictions import lists
from components.train.run import train
from model.data.catalog import Catalog
from model.data.trips import Trips
from model.package import loaded_model as package
from tfx_configs.recipes import full
from tfx_configs.units import DAY_S

OUT = RESULTS / "noise"
K = 20
CLEAN = "clean"
SHARES = (5.0, 10.0, 20.0)
LABELS: dict[str, Callable[[Trips], Trips]] = {
    f"{percent:g} % {change.__name__}": partial(change, percent=percent, seed=SEED)
    for change in (noise_trips.replaced, noise_trips.dropped)
    for percent in SHARES
}
NEGATIVES = {f"{percent:g} % of the negatives": percent for percent in (20.0, 100.0)}
LESS = {"a quarter of the history": "history", "a quarter of the shoppers": "shoppers"}
AGED = {f"trained until {cut}": cut for cut in reversed(CUTS[:-1])}


def main(most: study.Most = None, kind: study.Kind = None) -> None:
    world = World(FOLDER / CUTS[-1] / "examples")

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
    print(write_result("noise", about | compared, SEED))


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
        answered: np.ndarray = np.load(FOLDER / CUTS[-1] / "lists" / f"{list_name('aisle', SEED)}.npy")
        return answered
    if name in AGED:
        aged = package.load(FOLDER / AGED[name] / list_name("model", SEED))
        return lists(aged, world.trips, world.which, K).items_Nk
    trips = less(world.trips, LESS[name])
    examples = OUT / LESS[name] / "examples"
    if not examples.exists():
        examples.mkdir(parents=True)
        trips.save(examples / Trips.DIRECTORY)
        whole = Examples(FOLDER / CUTS[-1] / "examples")
        for same in (whole.directory / Catalog.DIRECTORY, whole.items):
            (examples / same.name).symlink_to(same.resolve())
    model = OUT / LESS[name] / "model"
    train(run=full(), examples_dir=examples, model_dir=model)
    gone = len(world.trips) - len(trips)  # all of them before the cut, and trips are sorted by time
    return lists(package.load(model), trips, world.which - gone, K).items_Nk


def less(trips: Trips, what: str) -> Trips:
    """The last quarter of the time before the cut, or a quarter of the shoppers."""
    if what == "shoppers":
        return noise_trips.of_some_shoppers(trips, 25.0, SEED)
    first_s = int(trips.time_T.min())
    return noise_trips.since(trips, (trips.cut_s - (trips.cut_s - first_s) // 4) // DAY_S * DAY_S)
