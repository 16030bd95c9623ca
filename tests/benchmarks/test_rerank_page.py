"""The re-ranking page has the figures of the result; reserved places with hand-computed values."""

from typing import Any

import numpy as np

from benchmarks.harness.page import render
from benchmarks.rerank.__main__ import _reserving
from model.api import Request


def way(name: str, mean: float, delta: float) -> dict[str, Any]:
    change = {"delta_pct": delta, "low_pct": delta - 1, "high_pct": delta + 1}
    metrics = {metric: {"mean": mean, "over_off": change} for metric in ("ndcg@10", "recall@10", "explore_recall@10")}
    return metrics | {
        "name": name,
        "explore_over_popularity": {"delta_pct": -60.0, "low_pct": -75.0, "high_pct": 20.0},
        "coverage@10": 0.08,
        "kinds@10": 3.25,
        "cpu_ms_p50": 0.42,
    }


def test_switches_and_ways_to_new_products_are_told_apart() -> None:
    ways = [way("off", 0.2, 0.0), way("diversity 0.1", 0.19, -2.04), way("boost 10", 0.02, -90.0)]
    text = render(
        "rerank/rerank",
        {
            "hardware": {"cores": 2},
            "cuts": [{"cut": "2017-12-04", "trips": 2000, "ways": ways}],
            "answer_cpu_ms": {"off": 4.0, "all of it": 4.5},
        },
    )
    assert "| diversity 0.1 | 0.1900 | 0.1900 | 0.1900 | 3.25 | 0.0800 | 0.42 |" in text
    assert "| diversity 0.1 | -2.0 (-3.0 to -1.0) | -2.0 (-3.0 to -1.0) |" in text
    assert "| all ten places to what is new | -90.00 % | 0.40 (0.25 to 1.20) |" in text
    assert "| boost 10 |" not in text and "4.0 ms of CPU" in text and "4.5 ms with all of it" in text


def test_reserved_places_go_to_the_best_of_what_is_new() -> None:
    """Twelve candidates, of which the 5th, 11th and 12th are new: with two reserved, the 11th replaces the 10th."""
    items = np.array([f"i{n:02d}".encode() for n in range(1, 13)], dtype=object)
    reasons = np.array([b"bought_before"] * 12, dtype=object)
    reasons[[4, 10, 11]] = b"similar_taste"
    request = Request(user_id="u", time_s=0, history_item=[], history_time=np.empty(0))
    asked = (request, items, np.linspace(0.9, 0.1, 12, dtype=np.float32), reasons)
    shown = {places: _reserving(places)(asked).item_ids for places in (1, 2)}
    assert shown[1] == [f"i{n:02d}" for n in range(1, 11)]
    assert shown[2] == [f"i{n:02d}" for n in (*range(1, 10), 11)]
