"""Figures of shoppers and cuts on a shop of six lines, with hand-computed values."""

import pandas as pd

from components.engines.engine import open_engine
from components.examples.habits import shoppers_of
from components.examples.judgeable import judged_by_cut
from model.data import columns as c
from pipelines.inspection.cuts import Cut, cuts_of
from tfx_configs.settings import DataSettings
from tfx_configs.units import DAY_S

ROWS = [
    ("ann", "a1", "milk", "2024-01-01 10:00"),
    ("ann", "a1", "bread", "2024-01-01 10:02"),
    ("ann", "a2", "milk", "2024-02-01 10:00"),  # the one repeat
    ("bob", "b1", "milk", "2024-01-05 10:00"),
    ("cat", "c1", "jam", "2024-02-02 10:00"),  # a cold shopper, an item never sold before
    ("cat", "c1", "milk", "2024-02-02 10:00"),
]


def test_repeats_are_of_earlier_trips_and_each_cut_counts_its_own_shoppers() -> None:
    rows = pd.DataFrame(ROWS, columns=[c.USER, c.BASKET, c.ITEM, c.TIME]).sample(frac=1, random_state=1)
    rows[c.TIME] = pd.to_datetime(rows[c.TIME])
    cut_s = int(pd.Timestamp("2024-02-01").timestamp())
    events = rows.assign(**{c.EVENT_TYPE: c.PURCHASE, c.QUANTITY: 1.0})
    judged = dict(zip(*judged_by_cut(events, (c.PURCHASE,), (c.PURCHASE,)), strict=True))
    with open_engine(DataSettings()) as engine:
        shoppers = shoppers_of(engine, [engine.table(rows)])
        cuts = cuts_of(engine, engine.table(rows), cut_s, judged)
    assert (shoppers.shoppers, shoppers.returning, shoppers.trips, shoppers.lines) == (3, 1, 4, 6)
    assert shoppers.sessions == 1  # milk and bread two minutes later
    assert shoppers.trips_of_the_median == 1
    assert shoppers.repeat_percent == round(100 / 6, 1)
    by_day = {cut.cut: cut for cut in cuts}
    assert by_day["2024-02-01"] == Cut(
        cut="2024-02-01", test_days=1, trips_before=2, judged=1, cold=1, unseen_percent=round(100 / 3, 1)
    )
    assert list(by_day) == sorted(by_day, reverse=True)
    assert all(pd.Timestamp(cut).timestamp() % DAY_S == 0 for cut in by_day)
    assert "2023-12-08" not in by_day  # before the first trip
