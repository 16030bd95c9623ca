from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.examples.promotions import build_promotions
from model.data.catalog import Catalog
from model.features import promotion_calendar
from model.features.matrix import Features
from model.features.promotion_calendar import changes, for_more_items, running_here, with_calendar
from tests.model.small_catalog import ITEMS, STORES, Ask, batch, promotion, small_catalog
from tests.worlds import seconds
from tfx_configs.settings import FeatureSettings


def running(calendar: tuple[np.ndarray, np.ndarray], store: str, items: str, time_s: int, of: str = ITEMS) -> list[int]:
    """The bits of the kinds that run for each item in the store."""
    running_C = np.full(len(items), 0xFF, np.uint8)
    item_C = np.array([of.index(item) for item in items], np.int32)
    running_here(*calendar, len(of), np.int32(STORES.index(store)), item_C, np.int64(time_s), running_C)
    return running_C.tolist()


def test_each_start_and_end_of_either_kind_is_one_change() -> None:
    """Store s1 is 1 and item b is 1 of five items: place 6."""
    mailer = promotion("mailer", ("s1", "b", 70, 77))
    display = promotion("display", ("s1", "b", 72, 80))
    key_N, mask_N = changes((mailer, display), items=5)
    hours = [(key - (6 << 20)) * 3600 for key in key_N[1:]]
    assert hours == [seconds(day) for day in (70, 72, 77, 80)]
    assert mask_N.tolist() == [0, 0b01, 0b11, 0b10, 0b00]


def test_stretches_that_overlap_or_touch_are_one() -> None:
    mailer = promotion("mailer", ("s1", "b", 70, 77), ("s1", "b", 77, 80))
    assert changes((mailer,), items=5)[1].tolist() == [0, 1, 0]


def test_an_empty_calendar_has_nothing_running() -> None:
    assert running(changes((), 5), "s1", "abdez", seconds(70)) == [0] * 5
    assert running(changes((promotion("mailer"),), 5), "", "ab", seconds(70)) == [0, 0]


def test_what_runs_everywhere_and_what_runs_here_count_together() -> None:
    calendar = changes((promotion("display", ("", "b", 60, 90)), promotion("mailer", ("s1", "b", 70, 77))), 5)
    assert [running(calendar, store, "ab", seconds(71)) for store in STORES] == [[0, 0b01], [0, 0b11], [0, 0b01]]
    assert running(calendar, "s1", "b", seconds(77)) == [0b01]


def test_a_promotion_until_the_end_of_time_changes_nothing_of_the_next_items() -> None:
    """Dates like 1900-01-01 and 2261-12-31 stand for always; the hours of 2089 are the last that fit."""
    always = promotion("mailer", ("s1", "a", 70, 100), ("s1", "d", 70, 77))
    always.start_hour_P[0], always.end_hour_P[0] = -613_608, 2_559_671
    calendar = changes((always,), 5)
    for time_s in (0, seconds(60), seconds(70), seconds(100), seconds(20_000)):
        d = int(seconds(70) <= time_s < seconds(77))
        assert running(calendar, "s1", "abdez", time_s) == [1, 0, d, 0, 0]
        assert running(calendar, "s2", "abdez", time_s) == [0] * 5


def test_moments_that_no_hour_stands_for_are_the_nearest_that_one_does() -> None:
    calendar = changes((promotion("mailer", ("s1", "b", 70, 77)),), 5)
    for time_s in (-1, -(10**12), 10**10, 10**15):
        assert running(calendar, "s1", "abdez", time_s) == [0] * 5


@pytest.mark.parametrize(("seed", "chunk"), [(0, 1), (1, 7), (2, 1 << 20)])
def test_what_runs_is_what_looking_through_all_stretches_finds(
    seed: int, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random stretches, many of them overlapping, through the code that builds the catalog's promotions, so many at a
    time."""
    monkeypatch.setattr(promotion_calendar, "CHUNK", chunk)
    rng = np.random.default_rng(seed)
    tables = {}
    for kind in ("display", "mailer"):
        start = rng.integers(0, 60, 80)
        tables[kind] = pd.DataFrame(
            {
                "item_id": rng.choice(list(ITEMS), 80),
                "store_id": rng.choice(STORES, 80),
                "start": pd.to_datetime([seconds(day) for day in start], unit="s"),
                "end": pd.to_datetime([seconds(day) for day in start + rng.integers(1, 9, 80)], unit="s"),
            }
        )
    kinds = [(kind, [rows]) for kind, rows in tables.items()]
    promotions = build_promotions(kinds, np.array(list(ITEMS), object), np.array(STORES, object))
    calendar, kinds = changes(promotions, len(ITEMS)), [p.kind for p in promotions]
    store, item, day = rng.integers(0, 3, 400), rng.integers(0, 5, 400), rng.integers(0, 70, 400)
    masks = [running(calendar, STORES[store[n]], ITEMS[item[n]], seconds(day[n]))[0] for n in range(400)]
    for kind, table in tables.items():
        begin, end = table["start"].to_numpy(), table["end"].to_numpy()
        for n in range(400):
            now = np.datetime64(seconds(day[n]), "s")
            here = table["store_id"].isin({STORES[store[n]], ""}).to_numpy() & (table["item_id"] == ITEMS[item[n]])
            expected = bool((here & (begin <= now) & (now < end)).any())
            assert bool(masks[n] >> kinds.index(kind) & 1) == expected


def test_a_saved_calendar_answers_as_the_promotions_do(tmp_path: Path) -> None:
    catalog = small_catalog((promotion("mailer", ("s1", "b", 70, 77), ("", "a", 60, 90)), promotion("display")))
    served = with_calendar(catalog)
    served.save(tmp_path / "catalog")
    loaded = Catalog.load(tmp_path / "catalog")
    assert [p.kind for p in loaded.promotions] == ["mailer", "display"]
    assert not any(len(p.item_P) for p in loaded.promotions)
    asks = [(Ask(day, store=store), item) for day in (65, 71, 80, 95) for store in STORES for item in ITEMS]
    batches = [(batch(ask), np.array([ITEMS.index(item)], np.int32), np.array([1])) for ask, item in asks]
    made, read = (Features(c, FeatureSettings()) for c in (catalog, loaded))
    np.testing.assert_array_equal([made(*of) for of in batches], [read(*of) for of in batches])


def test_a_calendar_moves_to_a_catalog_of_more_items() -> None:
    key_N, mask_N = changes((promotion("mailer", ("s1", "b", 70, 77), ("s2", "z", 1, 2), ("", "a", 3, 4)),), items=5)
    more_N, mask_M = changes((promotion("mailer", ("s1", "b", 70, 77), ("s2", "z", 1, 2), ("", "a", 3, 4)),), items=9)
    assert for_more_items(key_N, 5, 9).tolist() == more_N.tolist() and mask_N.tolist() == mask_M.tolist()
