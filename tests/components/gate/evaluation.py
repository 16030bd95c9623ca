"""A metrics.json that passes every check, for tests to spoil one thing of."""

import json
from typing import Any

from components.artifacts.evaluation import Evaluation
from components.gate.checks import Expected
from tfx_configs.settings import GateSettings

EXPECTED = Expected(digest="d1", trips=200)
SETTINGS = GateSettings()

MODELS = {
    "aisle": {
        "recall@10": 0.15,
        "ndcg@10": 0.21,
        "coverage@10": 0.05,
        "calibration_error@10": 0.02,
        "calibration_ratio@10": 1.05,
    },
    "popularity": {"recall@10": 0.04, "ndcg@10": 0.07, "coverage@10": 0.001},
    "personal_frequency": {"recall@10": 0.14, "ndcg@10": 0.20, "coverage@10": 0.10},
    "popular_unseen": {"recall@10": 0.01, "ndcg@10": 0.02, "coverage@10": 0.001},
    "item_knn": {"recall@10": 0.13, "ndcg@10": 0.19, "coverage@10": 0.08},
    "blessed": {"recall@10": 0.15, "ndcg@10": 0.21, "coverage@10": 0.05},
}
LEAD = {"delta_pct": 5.0, "low_pct": 3.0, "high_pct": 7.0}
EVEN = {"delta_pct": 0.0, "low_pct": -2.0, "high_pct": 2.0}
PAIRED = {
    "popularity": {"recall@10": LEAD, "ndcg@10": LEAD},
    "personal_frequency": {"recall@10": LEAD, "ndcg@10": LEAD},
    "popular_unseen": {"recall@10": LEAD, "ndcg@10": LEAD},
    "item_knn": {"recall@10": LEAD, "ndcg@10": LEAD},
    "blessed": {"recall@10": EVEN, "ndcg@10": EVEN},
}
GOOD: dict[str, Any] = {
    "candidate": "aisle",
    "blessed": "blessed",
    "baselines": ["popularity", "personal_frequency", "popular_unseen", "item_knn"],
    "digest": "d1",
    "span": {"first": "2017-12-04T00:00:00Z", "last": "2017-12-31T00:00:00Z"},
    "trips": 200,
    "models": MODELS,
    "paired": PAIRED,
    "slices": [
        {"slice": slicing, "value": value, "trips": 100, "models": MODELS, "paired": PAIRED}
        for slicing in ("shopper", "activity", "basket", "errand", "store")
        for value in ("one", "two")
    ],
    "latency": {"p50_ms": 9.0, "p99_ms": 12.0},
    "size_mb": 40.0,
    "tfma": {"verdict": True, "failures": [], "example_count": 200, "counts_agree": True, "max_difference": 1e-12},
}


def spoiled(*path: str | int, value: Any) -> dict[str, Any]:
    """GOOD with one value replaced; `...` removes it."""
    metrics: dict[str, Any] = json.loads(json.dumps(GOOD))  # not a deep copy: that would share what GOOD shares
    place: Any = metrics
    for name in path[:-1]:
        place = place[name]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return metrics


def read(metrics: dict[str, Any]) -> Evaluation:
    """As the gate reads it from a file."""
    return Evaluation.model_validate_json(json.dumps(metrics))
