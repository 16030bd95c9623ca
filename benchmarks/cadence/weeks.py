"""What a model answered in a week, whether the monitor asks for another one before its end, and the picture of all."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.harness.page import render
from components.evaluate.predictions import request_of
from components.monitor import run
from components.monitor.checks.run_checks import run_checks
from components.monitor.data import baseline as reference
from components.monitor.data import purchases
from components.monitor.retraining.policy import TrainingRun, decide
from model.data import columns as c
from model.data.trips import Trips
from model.evaluation.ranking_metrics import NO_ITEM, find_hits, ndcg
from model.files import write_text
from model.package.loaded_model import load
from tfx_configs.monitoring import MonitorSettings, RetrainSettings
from tfx_configs.settings import RunSettings
from tfx_configs.units import DAY_S

K, BATCH = 10, 64
TRIGGERS = ("quality", "drift", "new items")
"""Rules of the policy that are no calendar."""
SETTINGS = MonitorSettings(closed_days=("2017-12-25",), time_zone="America/New_York")


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Writes quality by week as SVG. `rows`: {policy, week, ndcg@10, low, high}."""
    weeks, policies = (list(dict.fromkeys(row[key] for row in rows)) for key in ("week", "policy"))
    low, high = min(row["low"] for row in rows), max(row["high"] for row in rows)
    margin = 0.08 * (high - low or 1.0)
    axis = {"lowest": low - margin, "highest": high + margin, "ticks": [low, (low + high) / 2, high]}
    picture = {"rows": rows, "weeks": weeks, "policies": policies} | axis
    write_text(path, render("cadence/cadence", picture, suffix="svg"))


def score(model_dir: Path, examples: Path, begin_s: int, end_s: int, file: Path) -> None:
    """Asks the model about every trip of [begin_s, end_s) as of its moment; writes one row a trip, as a request log."""
    trips, model = Trips.load(examples / "trips"), load(model_dir)
    which = np.flatnonzero((trips.time_T >= begin_s) & (trips.time_T < end_s))
    index = {item: i for i, item in enumerate(trips.item_ids.tolist())}
    rows: list[dict[str, Any]] = []
    for start in range(0, len(which), BATCH):
        requests = [request_of(trips, int(trip), K) for trip in which[start : start + BATCH]]
        for request, answer in zip(requests, model.recommend(requests), strict=True):
            rows.append(
                {
                    "version": model.version,
                    c.USER: request.user_id,
                    "time_s": request.time_s,
                    "logged_s": float(request.time_s),
                    c.STORE: request.store_id,
                    "rung": "full",
                    "state": "found" if len(request.history_item) else "unknown",
                    "item_ids": answer.item_ids,
                    "scores": answer.scores,
                    "reasons": answer.reasons,
                }
            )
    lists = np.full((len(which), K), NO_ITEM, np.int64)
    for n, row in enumerate(rows):
        lists[n, : len(row["item_ids"])] = [index.get(item, NO_ITEM) for item in row["item_ids"]]
    baskets = [trips.basket(int(trip)) for trip in which]
    hits = find_hits(lists, baskets, [np.zeros(0, int)] * len(which))
    file.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).assign(ndcg=ndcg(hits, K), history_times=None).to_parquet(file, index=False)


def triggered(folder: Path, examples: Path, begin_s: int, settings: RunSettings) -> dict[str, Any]:
    """{at_s, reasons}: the first midnight in the week at which a rule that is no calendar starts a run, else None."""
    tables, path = folder / "tables", examples.parent / "reference"
    if not path.exists():
        reference.build(tables=tables, examples=examples, out=path, run=settings, settings=SETTINGS)
    baseline = reference.load(path)
    cut = examples.parent.name
    requests = pd.read_parquet(folder / "answers" / f"{cut}-{cut}.parquet")
    bought = purchases.read(tables, baseline.cut_s, begin_s + 7 * DAY_S, settings.labels)
    record = run.join(requests, bought, purchases.promotion_starts(tables), baseline, SETTINGS)
    midnights = [begin_s + n * DAY_S for n in range(1, 7)]
    runs = (TrainingRun(began_s=begin_s, kind="scratch", ok=True),)
    for moment_s, checked in zip(midnights, run_checks(record, midnights), strict=True):
        so_far = dataclasses.replace(record, purchases=bought[bought[c.TIME] < moment_s])
        evidence = run.evidence_of(checked.results, so_far)
        # Every check of skew and drift is a trigger here; by default none is.
        decision = decide(RetrainSettings(drift_triggers=evidence.drift), runs, evidence, moment_s)
        if decision.train != "none" and decision.reasons[0].split(":")[0] in TRIGGERS:
            return {"at_s": moment_s, "reasons": list(decision.reasons)}
    return {"at_s": None, "reasons": []}
