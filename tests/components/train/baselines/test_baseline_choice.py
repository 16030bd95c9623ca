"""Which baseline serves first: the best one before the cut, as of then, and nothing after the cut matters."""

import dataclasses

import numpy as np
import pytest

from components.artifacts.first_stable import FirstStable
from components.train.baselines.baseline_choice import choose
from components.train.baselines.export import NAMES as ALL
from components.train.baselines.export import baseline, compared, exported
from model.candidates.barred import Barred
from model.data.batch import Batch
from model.data.catalog import Catalog
from model.data.trips import Trips
from model.errors import CheckFailed
from model.files import read_json
from model.ranking.recommender import Ranking, Recommends
from tests.components.train.conftest import EVERY_GATE, Exported, Trained, with_baselines
from tests.worlds import CUT_DAY, at
from tfx_configs.settings import RunSettings

NAMES = ("popularity", "personal_frequency", "popular_unseen", "item_knn")


def chosen(trained: Trained, trips: Trips | None = None) -> FirstStable:
    return choose(trained.run, NAMES, trips or trained.trips, trained.catalog, baseline)


def test_where_shoppers_buy_their_favourites_again_it_is_personal_frequency(trained: Trained) -> None:
    first = chosen(trained)
    assert first.name == "personal_frequency" and set(first.figures) == set(NAMES)
    assert first.figures["personal_frequency"]["ndcg@10"] > 2 * (first.figures["popularity"]["ndcg@10"] or 0)
    # The test span is 28 days, and so is the one before the cut; all 64 shoppers have a trip a week.
    assert (first.first, first.last) == (str(at(CUT_DAY - 28).date()), str(at(CUT_DAY - 1).date()))
    assert first.trips == 64 and "of 4 baselines" in first.reason and "on 64 trips" in first.reason


def test_what_happens_after_the_cut_changes_nothing(trained: Trained) -> None:
    trips = trained.trips
    after = trips.time_T[np.searchsorted(trips.basket_end_T, np.arange(len(trips.basket_item_B)), side="right")]
    basket_item_B, event_item_E = trips.basket_item_B.copy(), trips.event_item_E.copy()
    basket_item_B[after >= trips.cut_s] = 0
    event_item_E[trips.event_time_E >= trips.cut_s] = 0
    assert (basket_item_B != trips.basket_item_B).any() and (event_item_E != trips.event_item_E).any()
    other = dataclasses.replace(trips, basket_item_B=basket_item_B, event_item_E=event_item_E)
    assert chosen(trained, other) == chosen(trained)


class Lists:
    """A recommender of the same items for every request."""

    ranked = 10

    def __init__(self, items: np.ndarray) -> None:
        self.items = items.astype(np.int32)

    def query(self, batch: Batch) -> np.ndarray:
        raise NotImplementedError

    def recommend(self, batch: Batch, retrieved_BR: np.ndarray, barred: Barred, ranked: int, k: int) -> Ranking:
        requests = len(batch.time_B)
        item = np.tile(self.items[:k], requests)
        return Ranking(item, np.zeros(len(item), np.float32), item, len(self.items[:k]) * np.arange(1, requests + 1))


def test_a_baseline_is_built_as_of_the_first_day_on_which_it_is_judged(trained: Trained) -> None:
    moments = []

    def build(name: str, run: RunSettings, trips: Trips, catalog: Catalog) -> tuple[Recommends, Catalog]:
        moments.append((trips.cut_s, int(catalog.snapshot_W[-1])))
        if name == "item_knn":
            raise CheckFailed("nothing to learn from")
        # popular_unseen lists all items that there are, ten at most; the others list one.
        return Lists(np.arange(10 if name == "popular_unseen" else 1)), catalog

    first = choose(trained.run, NAMES, trained.trips, trained.catalog, build)
    start_s = int(at(CUT_DAY - 28).timestamp())
    assert moments == [(start_s, start_s)] * 4
    assert first.name == "popular_unseen" and "of 3 baselines" in first.reason and "item_knn" not in first.figures


def same(name: str, run: RunSettings, trips: Trips, catalog: Catalog) -> tuple[Recommends, Catalog]:
    """Every baseline lists the same items."""
    return Lists(np.arange(10)), catalog


def test_equal_baselines_are_decided_by_their_order(trained: Trained) -> None:
    assert choose(trained.run, NAMES[::-1], trained.trips, trained.catalog, same).name == NAMES[-1]


def test_without_days_before_the_cut_it_is_popularity_and_the_reason_is_recorded(trained: Trained) -> None:
    catalog = trained.catalog.as_served()
    first = choose(trained.run, NAMES, trained.trips, catalog, baseline)
    assert (first.name, first.figures, first.trips) == ("popularity", {}, 0)
    assert first.reason.startswith("no trips of shoppers with a history in the days before the cut")


@pytest.mark.parametrize("days", [7, 14])
def test_the_span_is_as_long_as_the_test_span(trained: Trained, days: int) -> None:
    run = trained.run.replace(data=trained.run.data.replace(test_days=days))
    assert choose(run, NAMES, trained.trips, trained.catalog, same).first == str(at(CUT_DAY - days).date())


def test_the_choice_lies_beside_the_exported_baselines(baselines: Exported) -> None:
    first = FirstStable.load(baselines.directory)
    assert first.name in baselines.versions and set(first.figures) == set(baselines.versions)
    assert read_json(baselines.directory / "first_stable.json")["metric"] == "ndcg@10"


def judged(**ndcg: float) -> FirstStable:
    figures = {name: {"ndcg@10": value} for name, value in ndcg.items()}
    return FirstStable(name=max(ndcg, key=lambda name: ndcg[name]), reason="", metric="ndcg@10", figures=figures)


def test_the_gate_judges_by_the_best_baselines_before_the_cut(trained: Trained) -> None:
    first = judged(popularity=0.1, personal_frequency=0.0, ials=0.3, ease=0.2, item_knn=0.25, last_basket=0.0)
    assert exported(trained.run, first) == (*EVERY_GATE, "ials", "item_knn")
    assert exported(with_baselines(trained.run, "ease"), first) == (*EVERY_GATE, "ease")
    nothing = FirstStable(name="popularity", reason="", metric="ndcg@10")
    assert exported(trained.run, nothing) == (*EVERY_GATE, "popular_unseen", "item_knn")


def test_every_baseline_without_shoppers_in_it_is_compared_unless_the_shop_is_large(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(compared(trained.run, trained.trips)) == set(ALL)
    assert compared(with_baselines(trained.run, "ease"), trained.trips) == (*EVERY_GATE, "ease")
    monkeypatch.setattr("components.train.baselines.export.MOST_EVENTS", len(trained.trips.event_item_E) - 1)
    assert compared(trained.run, trained.trips) == (*EVERY_GATE, "popular_unseen", "item_knn")
