"""A small run for tests of the report: its summary and the files behind it."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.local.run_directory import RunOutputs
from pipelines.local.summary import Summary


def step(declared: int, **changes: Any) -> dict[str, Any]:
    sides = ("canary",) if declared == 100 else ("stable", "canary")
    return {
        "declared_percent": declared,
        "observed_percent": float(declared),
        "observed_shopper_percent": float(declared),
        "requests": 50,
        "canary_requests": declared // 2,
        "canary_errors": 0,
        "shoppers": 40,
        "canary_shoppers": 4,
        "failed_requests": 0,
        "p50_ms": dict.fromkeys(sides, 2.0),
        "p99_ms": dict.fromkeys(sides, 9.0),
        "hits_per_trip": dict.fromkeys(sides, 1.5),
        "split_p_value": 1.0,
        "weight_change_ms": 3.0,
        "began": f"2024-01-08T10:00:{declared % 60:02d}.000+00:00",
        "ended": f"2024-01-08T10:00:{declared % 60 + 5:02d}.000+00:00",
        "guards": [
            {"rule": "errors", "what": "failed", "value": 0.25, "limit": 1.0, "at_most": True, "unit": "%"},
            {"rule": "split", "what": "p of it", "value": 1.0, "limit": 0.001, "at_most": False, "unit": ""},
        ],
        "decision": "promote" if declared == 100 else "step",
        "reasons": ["healthy: 0 failed"],
    } | changes


QUALITY = {
    "aisle": {"recall@10": 0.3, "ndcg@10": 0.25},
    "popularity": {"recall@10": 0.1, "ndcg@10": 0.1},
    "personal_frequency": {"recall@10": 0.2, "ndcg@10": 0.2},
}


def summary_of(**changes: Any) -> Summary:
    facts = {
        "data": {"rows": 90, "rows_in": 100, "dropped": {"no user": 7}, "users": 5, "items": 9, "cut": "2024-01-08"},
        "quality": QUALITY,
        "judged_trips": 12,
        "gate": {"blessed": True, "overridden": False, "reasons": ["all 2 checks passed"]},
        "training": {
            "train_trips": 30,
            "valid_trips": 4,
            "curves": {
                "towers": [{"loss": 3.0, "parts": [4.0, 2.0]}],
                "ranker": [{"loss": 0.5, "val_loss": 0.6}, {"loss": 0.4, "val_loss": 0.5}],
            },
        },
        "model": "v2",
        "stable_before": "v1",
        "rollout": {
            "steps": [step(10), step(100)],
            "final_state": "promoted",
            "failed_requests": 0,
            "failed_events": 0,
        },
        "serving": {
            "p50_ms": 3.0,
            "p99_ms": 11.0,
            "rps": 250.0,
            "cpu_ms_per_request": 2.5,
            "stages_ms": {"Envoy and HTTP": 1.0, "rank": 2.0, "state": 1.0},
        },
        "seconds": {"ingest": 0.0, "train": 75.0, "rollout": 15.0},
    }
    return Summary.model_validate(facts | changes)


def outputs_of(root: Path, *names: str) -> RunOutputs:
    """Outputs of those names, in files of the same names below `root`."""
    return RunOutputs.of(root, {name: str(root / name) for name in names})


def outputs_in(root: Path, text: str = "plain") -> RunOutputs:
    """Files of a small run; `text` is wherever a stage may pass on words of the user's data."""
    paired = {"personal_frequency": {"ndcg@10": {"delta_pct": 25.0, "low_pct": -5.0, "high_pct": 60.0}}}
    slices = [{"slice": "department", "value": text, "trips": 1, "models": QUALITY, "paired": paired}]
    files = {
        "tables/ingest.json": {
            "source": "complete_journey",
            "engine": "duckdb",
            "rows_in": 1100,
            "dropped": {},
            "dropped_percent": 0.0,
            "repaired": {},
            "files": [{"file": text, "delimiter": text, "encoding": "utf-8"}],
            "events": 1000,
            "purchases": 1000,
            "users_seen": 20,
            "items_seen": 10,
            "first_event_s": 1_700_000_000,
            "last_event_s": 1_706_000_000,
            "cut_s": 1_704_672_000,
            "cut": "2024-01-08",
            "items": 10,
        },
        "anomalies/anomalies.json": {
            "verdict": "warn",
            "anomalies": [
                {
                    "check": "domain",
                    "table": "events",
                    "column": text,
                    "severity": "warn",
                    "expected": text,
                    "received": text,
                    "what_to_do": text,
                }
            ],
            "drift": [{"feature": "hour", "value": 0.2, "limit": 0.1}],
        },
        "evaluation/metrics.json": {
            "slices": slices,
            "latency": {"p50_ms": 1.0, "p99_ms": 2.0},
            "models": {"aisle": {"calibration_error@10": 0.05, "calibration_ratio@10": 1.25}},
            "reliability": [
                {"expected": 0.1, "bought": 0.1, "size": 50},
                {"expected": 0.4, "bought": 0.3, "size": 50},
            ],
            "intervals": {"aisle": {"ndcg@10": {"low": 0.2, "high": 0.3}}},
            "sources": [
                {
                    "source": "bought_before",
                    "listed_percent": 90.0,
                    "hit_percent": 75.0,
                    "without": {
                        "ndcg@10": {"delta_pct": -50.0, "low_pct": -60.0, "high_pct": -40.0},
                        "explore_recall@10": {"delta_pct": None, "low_pct": None, "high_pct": None},
                    },
                }
            ],
            "paired": paired,
        },
        "verdict": {
            "digest": "abc",
            "reasons": [
                {"check": "data", "passed": True, "value": None, "threshold": None, "message": "this run's data"},
                {"check": text, "passed": False, "value": 0.1, "threshold": 0.2, "message": text},
            ],
        },
    }
    for name, value in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value), encoding="utf-8")
    (root / "anomalies" / "report.html").write_text("<h1>inner page</h1>", encoding="utf-8")
    times = [datetime(2024, 1, day) for day in (1, 2, 7, 8, 14, 15)]
    (root / "tables" / "events").mkdir()
    pq.write_table(pa.table({"event_time": times}), root / "tables" / "events" / "part.parquet")
    return outputs_of(root, "tables", "anomalies", "evaluation", "verdict")
