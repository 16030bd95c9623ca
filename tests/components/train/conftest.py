"""A market whose model was trained once for all tests of training."""

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from components.examples.run import build_examples
from components.ingest.run import ingest
from components.train import run as train_run
from components.train.trained_model import Learned
from components.train.vocabulary import Coding
from model.data import columns as c
from model.data.catalog import Catalog
from model.data.trips import Trips
from model.evaluation.next_basket_task import CATALOG, TRIPS
from tests.worlds import CUT_DAY, at, market, run_settings, write
from tfx_configs.settings import RunSettings

NEW = "a-new"
"""An item that comes after the cut, and by its id before all others."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trained:
    """64 shoppers, 16 weekly trips each, in memory and as a model directory. The ranker sees all negatives."""

    root: Path
    run: RunSettings
    learned: Learned

    @property
    def examples(self) -> Path:
        return self.root / "examples"

    @property
    def model(self) -> Path:
        return self.root / "model"

    @property
    def trips(self) -> Trips:
        return Trips.load(self.examples / TRIPS)

    @property
    def catalog(self) -> Catalog:
        return Catalog.load(self.examples / CATALOG)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    root = tmp_path_factory.mktemp("trained")
    run = run_settings(write(root / "source", **market(shoppers=64)))
    # Nothing is drawn, so that it makes no difference how many workers draw.
    drawn = {"negative_percent": 100.0, "new_only_percent": 0.0}
    learning = dataclasses.replace(run.train, ranking_epochs=1, ranking_batch=64, **drawn)
    run = dataclasses.replace(run, train=learning)
    _build(root, run)
    trips, catalog = Trips.load(root / "examples" / TRIPS), Catalog.load(root / "examples" / CATALOG)
    learned = train_run.learn(run, trips, catalog)
    train_run.package(run, root / "examples", catalog, learned, Coding.of(catalog, root / "examples"), root / "model")
    return Trained(root=root, run=run, learned=learned)


@pytest.fixture(scope="session")
def week_later(trained: Trained) -> Trained:
    """The same market cut a week later, with NEW, which everybody bought in that week. Nothing is trained."""
    tables = market(shoppers=64)
    events = tables["events"]
    last = events[events[c.TIME].between(at(CUT_DAY), at(CUT_DAY + 7))].drop_duplicates(c.BASKET)
    tables["events"] = pd.concat([events, last.assign(**{c.ITEM: NEW})], ignore_index=True)
    one = pd.DataFrame({c.ITEM: [NEW], "department": ["d1"], "brand": [3]})
    tables["items"] = pd.concat([one, tables["items"]], ignore_index=True)
    root = trained.root / "later"
    source, cut = write(root / "source", **tables), str(at(CUT_DAY + 7).date())
    run = trained.run.replace(data=trained.run.data.replace(path=str(source), cut_date=cut))
    _build(root, run)
    return dataclasses.replace(trained, root=root, run=run)


def _build(root: Path, run: RunSettings) -> None:
    ingest(run.to_json(), str(root / "tables"))
    build_examples(run.to_json(), str(root / "tables"), str(root / "examples"))
