"""The catalog snapshot with hand-computed values: codes, vocabulary, popularity, prices, repurchase."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.examples.catalog import build_catalog, first_snapshot, snapshot_step
from model.data import columns as c
from model.data.catalog import MISSING, RARE, Catalog
from model.errors import InputError
from tests.trips_of_events import build_trips
from tests.worlds import at, purchases, seconds
from tfx_configs import recipes
from tfx_configs.settings import FeatureSettings, RunSettings

ITEM_IDS = np.array(["a", "b", "d", "e", "y", "z"], dtype=object)
CUT_DAY = 70
WORLD = purchases(
    ("u1", 1, "a b"),
    ("u1", 8, "a"),
    ("u2", 8, "a d"),
    ("u2", 42, "b"),
    ("u3", 69, "a"),
    ("u3", 70, "e e"),  # at the cut: unknown to the catalog
    ("u1", 80, "b b b d"),
)
ITEMS = pd.DataFrame({c.ITEM: ITEM_IDS, "colour": ["red", "blue", "blue", "green", None, None]})
FLOOR_2 = FeatureSettings(min_item_count=2, oov_buckets=3, max_attributes=2)


def build(
    events: pd.DataFrame = WORLD, items: pd.DataFrame = ITEMS, features: FeatureSettings = FLOOR_2, **tables: Any
) -> Catalog:
    run = recipes.fast()
    run = run.training(ranking_days=28).replace(features=features)
    trips = build_trips(events, ITEM_IDS, seconds(CUT_DAY), 100)
    return build_catalog(trips, trips.event_price_E, items, tables.get("users"), tables.get("promotions", ()), run)


def test_attribute_values_are_coded_by_name_with_rare_and_missing_ones_apart() -> None:
    """Before the cut red was bought 4 times, blue 3 times, green never: below the floor of 2."""
    catalog = build()
    assert catalog.attribute_names == ("colour",)
    assert catalog.attribute_IA[:, 0].tolist() == [3, 2, 2, RARE, MISSING, MISSING]
    assert catalog.attribute_sizes == (4,)


def test_the_most_informative_attributes_are_kept() -> None:
    """Entropy over purchases a4 b2 d1: of `third` 0.96, of `half` 0.68, of `almost` 0.41. A title does not repeat."""
    items = ITEMS.assign(
        half=["x", "y", "y", "y", "y", "y"],
        third=["x", "y", "w", "w", "w", "w"],
        almost=["x", "x", "y", "y", "y", "y"],
        constant="k",
        title=["t1", "t2", "t3", "t4", "t5", "t5"],
    ).drop(columns="colour")
    floor_1 = FLOOR_2.replace(min_item_count=1)
    assert build(items=items, features=floor_1).attribute_names == ("third", "half")


def test_an_item_below_the_floor_shares_a_hash_bucket() -> None:
    """Purchases before the cut: a 4, b 2, d 1, e 0, y 0, z 0. CRC-32 modulo 3 of d, e, y, z: 0, 0, 1, 2."""
    catalog = build()
    assert catalog.vocabulary_I.tolist() == [3, 4, 0, 0, 1, 2]
    assert catalog.vocabulary_size == 5


def test_snapshots_are_weekly_up_to_the_cut() -> None:
    days = (build().snapshot_W - seconds(0)) / 86_400
    assert days.tolist() == [42, 49, 56, 63, 70]


def test_snapshots_of_a_shop_of_some_days_are_hours_apart() -> None:
    trips = build_trips(purchases(*(("u", day, "a") for day in range(7))), np.array(["a"], object), seconds(6), 100)
    # The ranker learns from the second half, three days: a twelfth of it is six hours.
    assert snapshot_step(trips, RunSettings()) == 6 * 3600
    assert first_snapshot(trips, RunSettings()) == seconds(3)


def test_recent_popularity_counts_the_seven_days_before_each_snapshot() -> None:
    catalog = build()
    assert catalog.recent_WI[:, 0].tolist() == [0, 0, 0, 0, 1]
    assert catalog.recent_WI[:, 1].tolist() == [0, 1, 0, 0, 0]  # the purchase at day 42 itself is not before day 42
    assert not catalog.recent_WI[:, 3].any()


def test_popularity_halves_every_28_days() -> None:
    """b on days 1 and 42: at day 70 that is 0.5^(69/28) + 0.5."""
    catalog = build()
    assert catalog.decayed_WI[-1, 1] == pytest.approx(0.5 ** (69 / 28) + 0.5)
    assert catalog.decayed_WI[0, 1] == pytest.approx(0.5 ** (41 / 28))
    assert catalog.decayed_WI[-1, 0] == pytest.approx(0.5 ** (69 / 28) + 2 * 0.5 ** (62 / 28) + 0.5 ** (1 / 28))


def test_only_items_bought_before_the_cut_are_active() -> None:
    assert build().active_items().tolist() == [0, 1, 2]


def test_a_price_is_the_log_of_the_median_before_the_cut() -> None:
    events = WORLD.copy()
    events.loc[events[c.ITEM] == "a", c.PRICE] = [1.0, 3.0, np.nan, 9.0]
    events.loc[events[c.TIME] >= events[c.TIME].max(), c.PRICE] = 1000.0
    catalog = build(events)
    assert catalog.price_I == pytest.approx(np.log1p([3.0, 1.0, 1.0, 0.0, 0.0, 0.0]))


def test_repurchase_is_smoothed_and_from_before_the_ranking_span() -> None:
    """Before day 42: a has buyers u1 (twice) and u2, b u1, d u2. One of four pairs came back: 1/4 overall.

    a: (1 + 5/4) / (2 + 5); b and d: (0 + 5/4) / (1 + 5); never bought: 1/4.
    """
    assert build().repurchase_I == pytest.approx([2.25 / 7, 1.25 / 6, 1.25 / 6, 0.25, 0.25, 0.25])


def test_an_item_twice_in_one_basket_is_no_repurchase() -> None:
    catalog = build(purchases(("u1", 1, "a a"), ("u1", 60, "a"), ("u1", 71, "a")))
    assert catalog.repurchase_I[0] == 0


def test_shoppers_attributes_are_looked_up_by_id() -> None:
    named = pd.DataFrame({c.USER: ["u3", "u1", "u0"], "age": ["40", None, "30"], "pet": ["cat", "cat", ""]})
    others = pd.DataFrame({c.USER: list("mnopqrst"), "age": ["40", "30"] * 4, "pet": ["cat"] * 3 + [""] * 5})
    catalog = build(users=pd.concat([named, others]))
    assert catalog.user_attribute_names == ("age", "pet")
    assert catalog.user_attribute_values == (("30", "40"), ("cat",)) and catalog.user_attribute_sizes == (4, 3)
    rows = catalog.user_rows(np.array(["u1", "u2", "u3", "zz"], dtype=object))
    assert catalog.user_attribute_UD[rows].tolist() == [[0, 2], [0, 0], [3, 2], [0, 0]]
    assert catalog.user_codes([("pet", "cat"), ("age", "40"), ("unheard of", "x")]).tolist() == [3, 2]


def test_a_value_of_fewer_than_five_shoppers_has_no_name_in_the_catalog() -> None:
    """Four are of the street: it is RARE, as is any value that the table does not have."""
    ids = [f"u{n}" for n in range(9)]
    catalog = build(users=pd.DataFrame({c.USER: ids, "where": ["Elm Street"] * 4 + ["town"] * 5}))
    assert catalog.user_attribute_values == (("town",),)
    assert catalog.user_attribute_UD[1:, 0].tolist() == [1] * 4 + [2] * 5
    assert (
        catalog.user_codes([("where", "Elm Street")]).tolist()
        == catalog.user_codes([("where", "moon")]).tolist()
        == [1]
    )


def test_a_catalog_without_shoppers_has_neither_ids_nor_their_attributes() -> None:
    ids = [f"u{n}" for n in range(5)]
    catalog = build(users=pd.DataFrame({c.USER: ids, "pet": ["cat"] * 5})).without_shoppers()
    assert len(catalog.user_ids) == 0 and catalog.user_attribute_UD.tolist() == [[0]]
    assert catalog.user_codes([("pet", "cat")]).tolist() == [2]


def test_without_optional_tables_there_are_no_attributes_and_no_promotions() -> None:
    catalog = build(items=ITEMS[[c.ITEM]])
    assert catalog.attribute_IA.shape == (6, 0) and catalog.attribute_names == ()
    assert catalog.user_attribute_UD.shape == (1, 0) and catalog.promotions == ()
    assert catalog.user_rows(np.array(["u1"], dtype=object)).tolist() == [0]


@pytest.mark.parametrize("full", [True, False])
def test_a_saved_catalog_loads_equal(tmp_path: Path, full: bool) -> None:
    users = pd.DataFrame({c.USER: ["u1"], "age": ["40"]})
    promotions = pd.DataFrame({c.ITEM: ["a"], c.STORE: "", c.START: at(74), c.END: at(86), c.KIND: "title page 1/2"})
    catalog = build(users=users, promotions=[("title page 1/2", [promotions])]) if full else build()
    catalog.save(tmp_path / "catalog")
    loaded = Catalog.load(tmp_path / "catalog")
    for name, value in vars(catalog).items():
        if name == "promotions":
            assert [p.kind for p in loaded.promotions] == [p.kind for p in value]
            pairs = zip(loaded.promotions, value, strict=True)
            assert all(np.array_equal(getattr(a, f), getattr(b, f)) for a, b in pairs for f in vars(b))
        else:
            assert np.array_equal(getattr(loaded, name), value), name


def test_what_is_no_catalog_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a catalog directory, got .*; run the examples stage"):
        Catalog.load(tmp_path)


def test_served_is_the_last_snapshot_and_promotions_that_have_not_ended() -> None:
    promotions = pd.DataFrame(
        {
            c.ITEM: ["a", "b", "d"],
            c.STORE: "s1",
            c.START: [at(55), at(55), at(74)],
            c.END: [at(70), at(71), at(84)],
            c.KIND: "mailer",
        }
    )
    catalog = build(promotions=[("mailer", [promotions])])
    served = catalog.as_served()
    assert served.snapshot_W.tolist() == [seconds(CUT_DAY)]
    assert np.array_equal(served.decayed_WI, catalog.decayed_WI[-1:])
    assert served.promotions[0].item_P.tolist() == [1, 2]
    assert catalog.promotions[0].item_P.tolist() == [0, 1, 2]
