"""Each task from events to an evaluation: the same rule in trips, baselines, their choice, and what is served."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.artifacts.evaluation import Evaluation
from components.artifacts.examples import Examples
from components.artifacts.first_stable import FirstStable
from components.evaluate.run import evaluate_models
from components.examples.run import build_examples
from components.ingest.run import ingest
from components.train.baselines.export import export_baselines
from components.train.baselines.similarity import NEIGHBOUR_BASELINES
from model.api import Request
from model.data import columns as c
from model.data.task import TaskKind
from model.package import loaded_model as package
from tests.worlds import at, run_settings, write
from tfx_configs.evaluation import EvaluationSettings
from tfx_configs.settings import RunSettings
from tfx_configs.stages import BaselinesStage

ITEMS = 12
MINUTE = 1 / (24 * 60)


def chain(start: int, length: int) -> list[str]:
    """Items that follow each other in everything that is bought or viewed here."""
    return [f"i{(start + step) % ITEMS:02d}" for step in range(length)]


def sessions() -> pd.DataFrame:
    """Ten visitors a day, none of whom comes back; each views a part of the chain, a product a minute."""
    rng = np.random.default_rng(4)
    rows = [
        (f"v{day}-{n}", item, at(day + (60 * n + minute) * MINUTE), "view")
        for day in range(12)
        for n in range(10)
        for minute, item in enumerate(chain(int(rng.integers(ITEMS)), 3))
    ]
    return pd.DataFrame(rows, columns=[c.USER, c.ITEM, c.TIME, c.EVENT_TYPE])


def films() -> pd.DataFrame:
    """Forty shoppers who go along the chain, a product every five days, none of them twice."""
    rows = [
        (f"u{n}", chain(n, ITEMS)[step], at(5 * step + n % 5), "purchase") for n in range(40) for step in range(ITEMS)
    ]
    return pd.DataFrame(rows, columns=[c.USER, c.ITEM, c.TIME, c.EVENT_TYPE])


def run_in(folder: Path, events: pd.DataFrame) -> RunSettings:
    items = pd.DataFrame({c.ITEM: chain(0, ITEMS)})
    run = run_settings(write(folder / "in", events=events, items=items), cut_date=None)
    ingest(data=run.data, tables_dir=folder / "tables", positive_types=run.labels.positive_types)
    build_examples(run=run, tables_dir=folder / "tables", examples_dir=folder / "examples")
    export_baselines(BaselinesStage.of(run), str(folder / "examples"), str(folder / "baselines"))
    return run


@pytest.fixture(scope="module", params=[(sessions, TaskKind.REST_OF_SESSION), (films, TaskKind.NEXT_NEW_ITEM)])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TaskKind]:
    events, task = request.param
    folder = tmp_path_factory.mktemp(task)
    run = run_in(folder, events())
    evaluate_models(
        examples=folder / "examples",
        candidate=folder / "baselines" / FirstStable.load(folder / "baselines").name,
        baselines=folder / "baselines",
        stable=None,
        out=folder / "evaluation",
        gate=run.gate,
        plan=EvaluationSettings(bootstrap_rounds=100, latency_requests=1),
    )
    return folder, task


def test_what_follows_in_the_chain_is_found_by_a_ranker_that_knows_neighbours_and_it_serves_first(
    shop: tuple[Path, TaskKind],
) -> None:
    folder, task = shop
    report, evaluation = Examples(folder / "examples").report, Evaluation.load(folder / "evaluation")
    assert report.task is task and evaluation.task is task and report.judged_trips == evaluation.trips > 20
    first = FirstStable.load(folder / "baselines")
    assert first.name in NEIGHBOUR_BASELINES
    for figures in (first.figures, evaluation.models):
        assert (figures[first.name]["ndcg@10"] or 0) > (figures["popularity"]["ndcg@10"] or 0)


def test_nothing_in_a_label_was_in_the_history_so_all_that_is_found_is_new(shop: tuple[Path, TaskKind]) -> None:
    folder, _ = shop
    trips = Examples(folder / "examples").trips()
    for trip in range(len(trips)):
        assert not set(trips.basket(trip)) & set(trips.event_item_E[trips.history(trip)])
    for metrics in Evaluation.load(folder / "evaluation").models.values():
        assert metrics["explore_recall@10"] == metrics["recall@10"] and metrics["repeat_recall@10"] is None


def test_a_model_of_the_task_leaves_the_history_out_unless_asked_for_repeats(shop: tuple[Path, TaskKind]) -> None:
    folder, task = shop
    model = package.load(folder / "baselines" / "personal_frequency")
    assert model.manifest.task == task
    request = Request(
        user_id="someone",
        time_s=int(at(70).timestamp()),
        history_item=chain(3, 2),
        history_time=np.array([int(at(69).timestamp())] * 2),
        k=5,
    )
    assert not set(model.recommend([request])[0].item_ids) & set(chain(3, 2))
    repeats = Request(**{name: getattr(request, name) for name in Request.__slots__} | {"new_only": False})
    assert set(chain(3, 2)) <= set(model.recommend([repeats])[0].item_ids)
    assert task.purpose in (folder / "baselines" / "personal_frequency" / "model_card.md").read_text()
