"""The baselines as model directories, exported through the same path as the model."""

import dataclasses
from pathlib import Path

import numpy as np

from components.artifacts.examples import Examples
from components.artifacts.first_stable import FirstStable
from components.kfp_support.progress import progress
from components.train.baselines.baseline_choice import choose
from components.train.baselines.logistic import logistic_weights
from components.train.baselines.similarity import NEIGHBOUR_BASELINES, SHOPPER_BASELINES
from components.train.past import Past
from components.train.trip_split import training_trips
from model.baselines.frequency import BASELINES, LOGISTIC, Logistic
from model.baselines.whole_catalog import PopularUnseen, WholeCatalog
from model.data.batch import TripReader
from model.data.catalog import Catalog
from model.data.trips import Trips
from model.errors import InputError
from model.features.matrix import Features
from model.files import atomic_directory, write_json
from model.package.export import export
from model.ranking.recommender import Recommender, Recommends
from tfx_configs.evaluation import BASELINES as EVERY_GATE
from tfx_configs.evaluation import DEFAULT_BASELINES, REGRESSION_METRIC
from tfx_configs.settings import MOST_CANDIDATES
from tfx_configs.stages import BaselinesStage

POPULAR_UNSEEN = "popular_unseen"
NAMES = (*BASELINES, POPULAR_UNSEEN, *NEIGHBOUR_BASELINES, LOGISTIC)
"""What `gate.baselines` may hold."""
MOST_EVENTS = 1_000_000
"""Events of a shop in which all others are compared before the cut; of a larger one, DEFAULT_BASELINES."""
OTHERS = 2
"""Baselines that are exported beside those that any gate asks for: the best ones before the cut."""


def export_baselines(run: BaselinesStage, examples_dir: str, baselines_dir: str) -> dict[str, str]:
    """Writes one model directory for each baseline that the gate asks for, and which of them is to serve first
    (components/artifacts/first_stable.py); returns {name: version}. Both are decided before the cut.

    They rank their whole union, for nothing has learned which candidates could be left out, or the whole catalog.

    Args:
        examples_dir: what the examples stage wrote.
        baselines_dir: replaced in one step; a directory below it is named after its baseline.

    Raises:
        InputError: a baseline has an unknown name.
        CheckFailed: one has to learn, and there are no trips before the cut.
    """
    examples = Examples.load(Path(examples_dir))
    for name in run.gate.baselines or ():
        if name not in NAMES:
            raise InputError(f"gate.baselines: expected names among {', '.join(NAMES)}, got {name}")
    run = ranking_all(run)
    trips, catalog = examples.trips(), examples.catalog()
    versions = {}
    first = choose(run, compared(run, trips), trips, catalog, baseline)
    progress(first.line)
    with atomic_directory(Path(baselines_dir)) as out:
        for name in exported(run, first):
            recommender, served = baseline(name, run, trips, catalog)
            manifest = export(
                out / name,
                name,
                recommender,
                served,
                features=run.features,
                candidates=run.candidates,
                rerank=run.rerank,
                items=examples.items,
                half_life_days=run.features.half_lives_days[-1],
                task=trips.task,
            )
            versions[name] = manifest.version
            progress(f"exported {name} {versions[name]}")
        write_json(out / "versions.json", versions)
        first.save(out)
    return versions


def ranking_all(run: BaselinesStage) -> BaselinesStage:
    """The settings under which baselines rank their whole union."""
    return run.replace(candidates=run.candidates.replace(ranked=MOST_CANDIDATES))


def compared(run: BaselinesStage, trips: Trips) -> tuple[str, ...]:
    """The baselines that are compared before the cut; of equal ones the first is chosen."""
    if run.gate.baselines is not None:
        return run.gate.baselines
    if len(trips.event_item_E) > MOST_EVENTS:
        return DEFAULT_BASELINES
    return tuple(dict.fromkeys((*DEFAULT_BASELINES, *NAMES)))


def exported(run: BaselinesStage, first: FirstStable) -> tuple[str, ...]:
    """The baselines of the gate: those of the settings, or the best ones by the comparison."""
    if run.gate.baselines is not None:
        return run.gate.baselines
    others = [name for name in first.figures if name not in EVERY_GATE]
    best = sorted(others, key=lambda name: -(first.figures[name][REGRESSION_METRIC] or 0.0))[:OTHERS]
    return (*EVERY_GATE, *best) if first.figures else DEFAULT_BASELINES


def baseline(name: str, run: BaselinesStage, trips: Trips, catalog: Catalog) -> tuple[Recommends, Catalog]:
    """The baseline of that name, of NAMES or SHOPPER_BASELINES, and the catalog it serves. Raises CheckFailed as
    export_baselines does."""
    served = catalog.as_served()
    if name == POPULAR_UNSEEN:
        return WholeCatalog(served, PopularUnseen(served.decayed_WI[-1])), served
    similar = NEIGHBOUR_BASELINES | SHOPPER_BASELINES
    if name in similar:
        return WholeCatalog(served, similar[name](Past.of(trips, run))), served
    features = Features(catalog, run.features)
    if name in BASELINES:
        simple = BASELINES[name](features.names)
    else:
        learning = training_trips(trips, run.train).ranking
        weights = logistic_weights(features, TripReader(trips, catalog), learning, run.train.seed)
        simple = Logistic(features.names, weights)
    if not simple.fills:
        # Without recent purchases nothing is popular, and candidates are what the shopper bought before.
        served = dataclasses.replace(served, recent_WI=np.zeros_like(served.recent_WI))
    return Recommender(served, run.features, run.candidates, simple), served
