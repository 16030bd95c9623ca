"""A model whose scores depend on where the history was: its logged requests, asked again."""

import dataclasses
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from model.api import Coded, Request, Rung
from model.package import loaded_model as package
from model.package.export import export
from model.package.request_replay import COLUMNS, replay
from model.ranking.recommender import Recommender
from model.request_log.reader import read
from model.serving.history.lookup import Source, State
from model.serving.history.store import History
from model.serving.request_log.writer import RequestLog, detail, row
from model.serving.v2_inputs import Query
from tests.model.networks_of import index_of, networks_of
from tests.model.small_catalog import ITEMS, small_catalog
from tests.worlds import seconds
from tfx_configs.settings import CandidateSettings, FeatureSettings

FEATURES, CANDIDATES = FeatureSettings(), CandidateSettings(retrieved=3, popular=3, ranked=4)
CATALOG = small_catalog().as_served()
HISTORY = History(
    items=["a", "b", "a", "d"],
    times=np.array([seconds(day) for day in (50, 50, 60, 66)], np.int64),
    stores=Coded.of(["s1", "s1", "s2", ""]),
    quantities=np.array([1, 2, 0.5, 1], np.float32),
    prices=np.array([1.1, 0, 2.5, 3], np.float32),
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> package.LoadedModel:
    """Untrained networks with random weights."""
    directory, networks = tmp_path_factory.mktemp("networks") / "model", networks_of(CATALOG, FEATURES)
    export(
        directory,
        "aisle",
        Recommender(CATALOG, FEATURES, CANDIDATES, networks=networks),
        CATALOG,
        features=FEATURES,
        candidates=CANDIDATES,
        index=index_of(networks, CATALOG),
        score_is_probability=True,
    )
    return package.load(directory)


def test_a_replay_has_the_stores_of_the_history_and_without_them_other_scores(
    model: package.LoadedModel, tmp_path: Path
) -> None:
    request = Request(
        user_id="u1",
        time_s=seconds(71),
        history_item=HISTORY.items,
        history_time=HISTORY.times,
        history_store=HISTORY.stores,
        history_quantity=HISTORY.quantities,
        history_price=HISTORY.prices,
        store_id="s1",
        detail=True,
    )
    query, state = (
        Query(user_id="u1", time_s=seconds(71), store_id="s1"),
        State(history=HISTORY, source=Source.FOUND, time_s=seconds(71)),
    )
    with RequestLog(tmp_path / "log") as log:
        for answer in model.recommend([request]):
            logged = row("r1", model.version, query, state, answer, Rung.FULL, 0.001)
            log.write(logged | detail(state, answer))
    rows = read(tmp_path / "log", columns=COLUMNS)
    assert set(rows["item_ids"].to_pylist()[0]) <= set(ITEMS)
    agreement = replay(rows, model, tolerance=0.0)
    assert (agreement.compared, agreement.differing, agreement.largest) == (1, (), 0.0)
    nowhere = pa.nulls(1, rows.schema.field("history_stores").type)
    at = rows.column_names.index("history_stores")
    assert replay(rows.set_column(at, "history_stores", nowhere), model, tolerance=1e-6).differing == ("r1",)


def test_a_request_without_them_is_one_of_unknown_stores_single_pieces_and_unknown_prices(
    model: package.LoadedModel,
) -> None:
    plain = Request(user_id="u1", time_s=seconds(71), history_item=HISTORY.items, history_time=HISTORY.times)
    spelled = dataclasses.replace(
        plain,
        history_store=Coded.of([""] * 4),
        history_quantity=np.ones(4, np.float32),
        history_price=np.zeros(4, np.float32),
    )
    first, second = model.recommend([plain, spelled])
    assert first == second and first.scores
