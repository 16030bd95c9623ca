"""A market whose model is trained once, and whose baselines are exported once, for all tests of training."""

import dataclasses
import functools
from pathlib import Path

import pandas as pd
import pytest

from components.artifacts.examples import Examples
from components.examples.run import build_examples
from components.ingest.run import ingest
from components.train import run as train_run
from components.train.baselines.export import export_baselines
from components.train.baselines.similarity import NEIGHBOUR_BASELINES
from components.train.vocabulary import Coding
from components.train.warm_start import TrainedModel
from model.data import columns as c
from model.data.catalog import Catalog
from model.data.trips import Trips
from model.package import loaded_model as package
from model.package.loaded_model import LoadedModel
from tests.worlds import CUT_DAY, at, market, run_settings, write
from tfx_configs.settings import RunSettings
from tfx_configs.stages import BaselinesStage

NEW = "a-new"
"""An item that comes after the cut, and by its id before all others."""
EVERY_GATE = ("popularity", "personal_frequency")
"""Baselines that every gate asks for."""


@functools.cache
def loaded(directory: Path) -> LoadedModel:
    """The model in a directory that no test changes, loaded once."""
    return package.load(directory)


def with_baselines(run: RunSettings, *names: str) -> RunSettings:
    """The same run with a gate that asks for these baselines besides EVERY_GATE."""
    return run.replace(gate=run.gate.replace(baselines=(*EVERY_GATE, *names)))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trained:
    """64 shoppers, 16 weekly trips each, in memory and as a model directory. The ranker sees all negatives."""

    root: Path
    run: RunSettings
    learned: TrainedModel

    @property
    def examples(self) -> Path:
        return self.root / "examples"

    @property
    def model(self) -> Path:
        return self.root / "model"

    @property
    def trips(self) -> Trips:
        return Examples(self.examples).trips()

    @property
    def catalog(self) -> Catalog:
        return Examples(self.examples).catalog()


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    root = tmp_path_factory.mktemp("trained")
    run = run_settings(write(root / "source", **market(shoppers=64)))
    # Nothing is drawn, so that it makes no difference how many workers draw.
    drawn = {"negative_percent": 100.0, "new_only_percent": 0.0}
    learning = run.train.replace(ranking_epochs=4, ranking_batch=64, **drawn)
    run = run.replace(train=learning)
    _build(root, run)
    examples = Examples(root / "examples")
    trips, catalog = examples.trips(), examples.catalog()
    learned = train_run.train_from_scratch(run, trips, catalog)
    train_run.package(run, examples, learned, Coding.of(catalog, examples), root / "model")
    return Trained(root=root, run=run, learned=learned)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Exported:
    """The directory of the exported baselines, and what the export returned."""

    directory: Path
    versions: dict[str, str]


@pytest.fixture(scope="session")
def baselines(trained: Trained) -> Exported:
    """Those of every gate, two frequencies, and all that know the whole catalog."""
    run = with_baselines(trained.run, "p_top_frequency", "logistic", *NEIGHBOUR_BASELINES)
    directory = trained.root / "baselines"
    versions = export_baselines(BaselinesStage.of(run), str(trained.examples), str(directory))
    return Exported(directory=directory, versions=versions)


@pytest.fixture(scope="session")
def week_later(trained: Trained) -> Trained:
    """The same market cut a week later, with NEW, which everybody bought in that week. Nothing is trained."""
    tables = market(shoppers=64)
    events = tables["events"]
    last = events[events[c.TIME].between(at(CUT_DAY), at(CUT_DAY + 7))].drop_duplicates(c.BASKET)
    tables["events"] = pd.concat([events, last.assign(**{c.ITEM: NEW})], ignore_index=True)
    new_item = pd.DataFrame({c.ITEM: [NEW], "department": ["d1"], "brand": [3]})
    tables["items"] = pd.concat([new_item, tables["items"]], ignore_index=True)
    root = trained.root / "later"
    source, cut = write(root / "source", **tables), str(at(CUT_DAY + 7).date())
    run = trained.run.replace(data=trained.run.data.replace(path=str(source), cut_date=cut))
    _build(root, run)
    return dataclasses.replace(trained, root=root, run=run)


def _build(root: Path, run: RunSettings) -> None:
    ingest(data=run.data, tables_dir=root / "tables")
    build_examples(run=run, tables_dir=root / "tables", examples_dir=root / "examples")
