"""Planted leaks stop the examples stage; clean data pass."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.examples.leakage import check_attributes, check_catalog, check_trips
from components.examples.run import build_examples
from components.ingest.run import ingest
from model.data import columns as c
from model.data.catalog import Catalog
from model.data.trips import Trips
from model.errors import CheckFailed
from tests.worlds import CUT, market, run_settings, write

World = dict[str, pd.DataFrame]


def world() -> World:
    return market(shoppers=60, items=120, weeks=20)


def build(folder: Path, tables: World) -> tuple[Trips, Catalog]:
    """Ingest and examples; returns what they wrote."""
    settings = run_settings(write(folder / "in", **tables), cut_date="2020-04-27")
    ingest(data=settings.data, tables_dir=folder / "tables")
    build_examples(run=settings, tables_dir=folder / "tables", examples_dir=folder / "examples")
    return Trips.load(folder / "examples" / "trips"), Catalog.load(folder / "examples" / "catalog")


CUT_S = int(pd.Timestamp("2020-04-27").timestamp())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Trips, Catalog]:
    return build(tmp_path_factory.mktemp("clean"), world())


def test_clean_examples_pass(built: tuple[Trips, Catalog]) -> None:
    trips, catalog = built
    check_trips(trips)
    check_catalog(trips, catalog)
    check_attributes(trips, catalog)


def a_later_row(trips: Trips) -> Trips:
    """One trip's history holds the trip itself."""
    trip = len(trips) - 5
    end = trips.history_end_T.copy()
    end[trip] += 1
    return dataclasses.replace(trips, history_end_T=end)


def a_neighbours_row(trips: Trips) -> Trips:
    """One trip's history begins with the last event of the shopper before."""
    trip = int(np.flatnonzero((trips.user_T > 0) & (trips.history_end_T > trips.history_begin_T))[0])
    begin = trips.history_begin_T.copy()
    begin[trip] = np.searchsorted(trips.event_user_E, trips.user_T[trip]) - 1
    return dataclasses.replace(trips, history_begin_T=begin)


def unsorted_events(trips: Trips) -> Trips:
    times = trips.event_time_E.copy()
    times[[10, 40]] = times[[40, 10]]
    return dataclasses.replace(trips, event_time_E=times)


def unsorted_trips(trips: Trips) -> Trips:
    times = trips.time_T.copy()
    times[[-1, -60]] = times[[-60, -1]]
    return dataclasses.replace(trips, time_T=times)


@pytest.mark.parametrize(
    ("plant", "message"),
    [
        (a_later_row, "strictly before, got an event at or after the trip"),
        (a_neighbours_row, "strictly before, got another shopper's events"),
        (unsorted_events, "events sorted by shopper and time"),
        (unsorted_trips, "trips sorted by time"),
    ],
)
def test_a_trip_that_knows_more_than_its_past_is_caught(
    built: tuple[Trips, Catalog], plant: Callable[[Trips], Trips], message: str
) -> None:
    with pytest.raises(CheckFailed, match=message):
        check_trips(plant(built[0]))


def test_a_catalog_that_knows_a_product_too_early_is_caught(built: tuple[Trips, Catalog]) -> None:
    trips, catalog = built
    never = ~np.isin(trips.event_item_E, [3])
    unsold = dataclasses.replace(
        trips,
        event_item_E=trips.event_item_E[never],
        event_time_E=trips.event_time_E[never],
        event_user_E=trips.event_user_E[never],
    )
    with pytest.raises(CheckFailed, match="only products bought before a snapshot to be known in it, got i03"):
        check_catalog(unsold, catalog)


def test_a_snapshot_that_counts_later_purchases_is_caught(built: tuple[Trips, Catalog]) -> None:
    trips, catalog = built
    later = np.concatenate([catalog.recent_WI[1:], catalog.recent_WI[:1]])
    with pytest.raises(CheckFailed, match="each snapshot to count the 7 days before it"):
        check_catalog(trips, dataclasses.replace(catalog, recent_WI=later))


def test_a_snapshot_taken_after_the_cut_is_caught(built: tuple[Trips, Catalog]) -> None:
    trips, catalog = built
    with pytest.raises(CheckFailed, match="the last snapshot at the cut"):
        check_catalog(trips, dataclasses.replace(catalog, snapshot_W=catalog.snapshot_W + 86_400))


def test_repeat_purchases_known_before_the_rankers_trips_are_caught(built: tuple[Trips, Catalog]) -> None:
    """i03 and i23 have the same attributes. They were first bought after the second snapshot, on such trips."""
    trips, catalog = built
    new = np.flatnonzero(np.isin(catalog.item_ids, ["i03", "i23"]))
    assert np.array_equal(*catalog.attribute_IA[new])
    stays_E = ~np.isin(trips.event_item_E, new) | (trips.event_time_E >= catalog.snapshot_W[1])
    events = {name: getattr(trips, name)[stays_E] for name in ("event_item_E", "event_time_E", "event_user_E")}
    recent_WI, decayed_WI, hazard_IG, repurchase_I = (
        getattr(catalog, name).copy() for name in ("recent_WI", "decayed_WI", "hazard_IG", "repurchase_I")
    )
    recent_WI[:2, new], decayed_WI[:2, new], hazard_IG[new], repurchase_I[new] = 0, 0, 0.01, 0.2
    later = dataclasses.replace(trips, **events)
    clean = {"recent_WI": recent_WI, "decayed_WI": decayed_WI, "hazard_IG": hazard_IG, "repurchase_I": repurchase_I}
    check_catalog(later, dataclasses.replace(catalog, **clean))
    for rate in ("hazard_IG", "repurchase_I"):
        own = clean[rate].copy()
        own[new[0]] *= 2
        with pytest.raises(CheckFailed, match="one rate of repeat purchases for all new products"):
            check_catalog(later, dataclasses.replace(catalog, **clean | {rate: own}))


def seasonal(tables: World) -> World:
    """Twelve products without a purchase after the cut."""
    events = tables["events"]
    gone = events[c.ITEM].isin([f"i{i:02d}" for i in range(12)]) & (events[c.TIME] >= pd.Timestamp(CUT_S, unit="s"))
    return tables | {"events": events[~gone]}


def sold_later(tables: World) -> World:
    """Items get a column of whether they were bought from the cut on."""
    tables = seasonal(tables)
    events, items = tables["events"], tables["items"]
    later = set(events[events[c.TIME] >= pd.Timestamp(CUT_S, unit="s")][c.ITEM])
    return tables | {"items": items.assign(sells=["yes" if i in later else "no" for i in items[c.ITEM]])}


def active_later(tables: World) -> World:
    """Twelve shoppers stay away from the cut on, and users get a column of it."""
    events = tables["events"]
    left = [f"u{i:02d}" for i in range(12)]
    gone = events[c.USER].isin(left) & (events[c.TIME] >= pd.Timestamp(CUT_S, unit="s"))
    users = pd.DataFrame({c.USER: [f"u{i:02d}" for i in range(60)]})
    users["state"] = ["churned" if user in left else "active" for user in users[c.USER]]
    return tables | {"events": events[~gone], "users": users}


def shuffled_times(tables: World) -> World:
    """Every row gets another row's time."""
    events = tables["events"]
    times = events[c.TIME].sample(frac=1, random_state=2).to_numpy()
    return tables | {"events": events.assign(**{c.TIME: times})}


@pytest.mark.parametrize(
    ("plant", "message"),
    [
        (sold_later, "items: expected column sells to be known before the cut"),
        (active_later, "users: expected column state to be known before the cut"),
        (shuffled_times, "event_time does not belong to its row, or basket_id is not a trip"),
    ],
)
def test_a_leak_planted_in_the_tables_stops_the_stage_and_writes_nothing(
    tmp_path: Path, plant: Callable[[World], World], message: str
) -> None:
    with pytest.raises(CheckFailed) as stopped:
        build(tmp_path, plant(world()))
    assert message in str(stopped.value) and "\n" not in str(stopped.value)
    assert not (tmp_path / "examples").exists()


def test_products_that_end_at_the_cut_are_no_leak_where_no_column_reports_it(tmp_path: Path) -> None:
    build(tmp_path, seasonal(world()))


def test_a_column_that_follows_a_steady_coming_and_going_is_no_leak(tmp_path: Path) -> None:
    """Each fortnight has products of its own, and a column names it: known when the product is put on sale."""
    tables = world()
    events = tables["events"]
    season = (events[c.TIME] - events[c.TIME].min()).dt.days // 14
    events = events.assign(**{c.ITEM: events[c.ITEM] + "-" + season.astype(str)})
    items = pd.DataFrame({c.ITEM: events[c.ITEM].unique()})
    items["season"] = items[c.ITEM].str.rpartition("-")[2]
    build(tmp_path, tables | {"events": events, "items": items})


def test_too_few_purchases_are_no_evidence(tmp_path: Path) -> None:
    tables = market(shoppers=10, weeks=16)
    items = tables["items"].assign(sells="yes")
    items.loc[:11, "sells"] = "no"
    events = tables["events"]
    gone = events[c.ITEM].isin(items[c.ITEM][:12]) & (events[c.TIME] >= CUT)
    settings = run_settings(write(tmp_path / "in", events=events[~gone], items=items))
    ingest(data=settings.data, tables_dir=tmp_path / "tables")
    build_examples(run=settings, tables_dir=tmp_path / "tables", examples_dir=tmp_path / "examples")
