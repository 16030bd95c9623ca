"""What counts as a new item, and the page, with hand-computed values."""

import numpy as np

from benchmarks.cadence.refresh import new_hits
from benchmarks.harness.page import render
from model.evaluation.ranking_metrics import NO_ITEM

METRICS = ("ndcg@10", "recall@10", "explore_recall@10")
LEVEL = {"mean": 0.2, "low": 0.19, "high": 0.21}
OVER = {metric: {"delta_pct": 2.0, "low_pct": 0.5, "high_pct": 3.5} for metric in METRICS}


def test_new_items_count_where_they_were_shown_and_bought() -> None:
    """Items 7 and 8 are new: 7 is hit on the first trip, 8 is shown on the second and bought on the first only."""
    items = np.array([[7, 1, NO_ITEM], [8, 2, 3]])
    assert new_hits(items, [np.array([7, 8, 1]), np.array([2, 7])], np.array([7, 8])) == 1


def test_the_page_tells_what_each_start_gains_and_costs() -> None:
    model = dict.fromkeys(METRICS, LEVEL) | {"coverage@10": 0.05, "new_hits": 3}
    names = ("stale", "refresh", "warm", "scratch")
    text = render(
        "cadence/refresh",
        {
            "models": dict.fromkeys(names, model),
            "over_stale": dict.fromkeys(names[1:], OVER),
            "over_scratch": dict.fromkeys(names[:3], OVER),
            "cost": {name: {"cpu_s": 12.3} for name in names[1:]},
            "parent": "2017-11-06",
            "cut": "2017-12-04",
            "trips": 2000,
            "purchases": 1000,
            "new_purchases": 42,
            "measured": "2026-01-01T00:00:00+00:00",
        },
    )
    assert "| the parent as it is | 0.2000 | – | 0.2000 | – | 0.2000 | – | 0.050 | 3 | – |" in text
    assert "+2.0 (+0.5 to +3.5) | 0.050 | 3 | 12 |" in text and "4.2 % of the 1,000 purchases" in text
    assert "ndcg@10 in percent: stale +2.0 (+0.5 to +3.5), refresh" in text
