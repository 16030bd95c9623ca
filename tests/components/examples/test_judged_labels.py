"""Test labels are what was bought, whatever is learned from; views are events of their own beside the trips."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.artifacts.examples import Examples
from components.examples.run import build_examples
from components.ingest.run import ingest
from model.data import columns as c
from model.data.trips import Trips
from tests.worlds import CUT_DAY, at, market, purchases, run_settings, seconds, write
from tfx_configs.settings import RunSettings

POLICIES = [("purchase",), ("view", "purchase"), ("view",), ("cart",), ("purchase", "view", "cart")]


def shop() -> pd.DataFrame:
    """The market's purchases, and before and after each a view of another item in the same basket."""
    bought = market()["events"].assign(**{c.EVENT_TYPE: "purchase"})
    ids = np.unique(bought[c.ITEM])
    viewed, carted = (ids[(np.searchsorted(ids, bought[c.ITEM]) + shift) % len(ids)] for shift in (7, 13))
    views = bought.assign(**{c.EVENT_TYPE: "view", c.ITEM: viewed, c.TIME: bought[c.TIME] - pd.Timedelta(minutes=9)})
    carts = bought.assign(**{c.EVENT_TYPE: "cart", c.ITEM: carted, c.TIME: bought[c.TIME] + pd.Timedelta(hours=1)})
    return pd.concat([bought, views, carts], ignore_index=True)


def examples_of(folder: Path, events: pd.DataFrame, types: tuple[str, ...], least: int = 1) -> Examples:
    tables = market()
    run: RunSettings = run_settings(write(folder / "in", events=events, items=tables["items"]))
    run = run.replace(labels=run.labels.replace(positive_types=types, min_judged_trips=least))
    ingest(data=run.data, tables_dir=folder / "tables", positive_types=types)
    build_examples(run=run, tables_dir=folder / "tables", examples_dir=folder / "examples")
    return Examples(folder / "examples")


def judged(trips: Trips) -> dict[tuple[str, int], list[str]]:
    """{(shopper, moment): labels} of every test trip."""
    return {
        (str(trips.user_ids[trips.user_T[t]]), int(trips.time_T[t])): trips.item_ids[trips.basket(t)].tolist()
        for t in trips.test_trips()
    }


@pytest.fixture(scope="module")
def by_policy(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, ...], Examples]:
    return {types: examples_of(tmp_path_factory.mktemp("policy"), shop(), types) for types in POLICIES}


def test_the_labels_after_the_cut_are_the_purchases_under_every_policy(by_policy) -> None:
    bought = shop().query("event_type == 'purchase'")
    after = bought[bought[c.TIME] >= at(CUT_DAY)]
    expected = {
        (str(user), int(basket[c.TIME].min().timestamp())): sorted(basket[c.ITEM])
        for (user, _), basket in after.groupby([c.USER, c.BASKET])
    }
    for types, examples in by_policy.items():
        assert judged(examples.trips()) == expected, types
        assert examples.report.judged_on == ("purchase",)
        assert examples.report.judged_trips == 30


@pytest.mark.parametrize("types", POLICIES)
def test_training_labels_and_histories_are_of_the_positive_types(by_policy, types: tuple[str, ...]) -> None:
    trips, events = by_policy[types].trips(), shop()
    positive = events[events[c.EVENT_TYPE].isin(types)]
    before = positive[positive[c.TIME] < at(CUT_DAY)]
    assert len(trips.event_item_E) == len(positive.drop_duplicates([c.USER, c.BASKET, c.ITEM, c.EVENT_TYPE]))
    train = np.flatnonzero(trips.time_T < trips.cut_s)
    labels = {
        (str(trips.user_ids[trips.user_T[t]]), str(item)) for t in train for item in trips.item_ids[trips.basket(t)]
    }
    assert labels == set(zip(before[c.USER], before[c.ITEM], strict=True))
    for trip in trips.test_trips()[:10]:
        at_s, user = trips.time_T[trip], trips.user_ids[trips.user_T[trip]]
        mine = positive[(positive[c.USER] == user) & (positive[c.TIME] < pd.Timestamp(at_s, unit="s"))]
        assert sorted(trips.item_ids[trips.event_item_E[trips.history(trip)]]) == sorted(mine[c.ITEM])


def test_views_and_carts_lie_beside_the_trips_under_every_policy_and_are_read_strictly_before(by_policy) -> None:
    events = shop()
    others = events[events[c.EVENT_TYPE] != "purchase"]
    for examples in by_policy.values():
        trips = examples.trips()
        assert examples.report.views == len(trips.view_item_V) == len(others)
        for trip in trips.test_trips()[:5]:
            mine = others[
                (others[c.USER] == trips.user_ids[trips.user_T[trip]])
                & (others[c.TIME] < pd.Timestamp(trips.time_T[trip], unit="s"))
            ]
            at_V = trips.views(trip)
            kinds = [Trips.VIEW_KINDS[kind] for kind in trips.view_kind_V[at_V]]
            read = zip(trips.item_ids[trips.view_item_V[at_V]], trips.view_time_V[at_V], kinds, strict=True)
            moments = mine[c.TIME].astype("datetime64[s]").astype("int64")
            assert sorted(read) == sorted(zip(mine[c.ITEM], moments, mine[c.EVENT_TYPE], strict=True))


def test_a_shop_without_purchases_is_judged_on_its_views_and_says_so(tmp_path: Path) -> None:
    views = shop().query("event_type == 'view'")
    examples = examples_of(tmp_path, views, ("view",))
    assert examples.report.judged_on == ("view",)
    assert sum(map(len, judged(examples.trips()).values())) == (views[c.TIME] >= at(CUT_DAY)).sum()


def test_a_basket_with_a_view_before_the_cut_is_judged_at_its_first_purchase_after_it(tmp_path: Path) -> None:
    start = purchases(("u1", 10, "i00"), ("u1", CUT_DAY - 0.25, "i01"), ("u1", CUT_DAY + 0.25, "i02")).assign(
        **{c.EVENT_TYPE: ["purchase", "view", "purchase"], c.BASKET: ["b0", "b1", "b1"]}
    )
    for types in (("purchase",), ("purchase", "view")):
        trips = examples_of(tmp_path / "-".join(types), start, types).trips()
        assert judged(trips) == {("u1", seconds(CUT_DAY + 0.25)): ["i02"]}
