"""The baselines as model directories, exported through the same path as the model."""

import dataclasses
from pathlib import Path

import numpy as np

from components.progress import progress
from components.train.logistic_baseline import logistic_weights
from components.train.split import training_trips
from model.baselines import BASELINES, LOGISTIC, Baseline, Logistic
from model.catalog import Catalog
from model.errors import InputError
from model.export import export
from model.features import FeatureGraph
from model.files import atomic_directory, write_json
from model.inputs import TripReader
from model.recommender import Recommender
from model.task import CATALOG, ITEMS, TRIPS
from model.trips import Trips
from tfx_configs.settings import MOST_CANDIDATES, RunSettings


def export_baselines(settings: str, examples_dir: str, baselines_dir: str) -> dict[str, str]:
    """Writes one model directory for each baseline that the gate asks for; returns {name: version}.

    They rank their whole union: nothing has learned which candidates could be left out.

    Args:
        settings: RunSettings as JSON.
        examples_dir: what the examples stage wrote.
        baselines_dir: replaced in one step; a directory below it is named after its baseline.

    Raises:
        InputError: a baseline has an unknown name.
        CheckFailed: one has to learn, and there are no trips before the cut.
    """
    run, examples = RunSettings.from_json(settings), Path(examples_dir)
    for name in run.gate.baselines:
        if name not in (*BASELINES, LOGISTIC):
            raise InputError(f"gate.baselines: expected names among {', '.join((*BASELINES, LOGISTIC))}, got {name}")
    run = dataclasses.replace(run, candidates=dataclasses.replace(run.candidates, ranked=MOST_CANDIDATES))
    catalog = Catalog.load(examples / CATALOG)
    as_served = catalog.as_served()
    # Without recent purchases nothing is popular, and candidates are what the shopper bought before.
    own_only = dataclasses.replace(as_served, recent_WI=np.zeros_like(as_served.recent_WI))
    versions = {}
    with atomic_directory(Path(baselines_dir)) as out:
        for name in run.gate.baselines:
            scorer = BASELINES[name]() if name in BASELINES else _logistic(run, examples, catalog)
            served = as_served if scorer.fills else own_only
            recommender = Recommender(served, run, scorer)
            manifest = export(out / name, name, recommender, served, rerank=run.rerank, items=examples / ITEMS)
            versions[name] = manifest.version
            progress(f"exported {name} {versions[name]}")
        write_json(out / "versions.json", versions)
    return versions


def _logistic(run: RunSettings, examples: Path, catalog: Catalog) -> Baseline:
    trips, graph = Trips.load(examples / TRIPS), FeatureGraph(catalog, run.features)
    learning = training_trips(trips, run.train).ranking
    return Logistic(logistic_weights(graph, TripReader(trips, catalog), learning, run.train.seed))
