"""What is compared with: the weeks before the cut of the model in force, as data.

    visits.parquet     trips of those weeks seen as visits (visits.py), a sample of them answered by a plain ranker
    purchases.parquet  what was bought in them
    seen.parquet       kind (item, user, store), id, first_s: when training first saw it, NaN for items never bought
    requests.stats.pb  TFDV statistics of all training trips seen as requests, from validation, where there are any
    reference.json     the facts of `Reference`

The plain ranker lists what the shopper bought most, each purchase halved at the longest half-life of the features. How
much its hits move from week to week is how much outcomes move by themselves, since nothing about it changes.
"""

import dataclasses
import shutil
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from components.artifacts.evaluation import Evaluation
from components.monitor.data import purchases, visits
from model.data import columns as c
from model.data.schema import schema_digest
from model.data.trips import Trips
from model.errors import InputError
from model.evaluation.ranking_metrics import CALIBRATION_RATIO
from model.files import atomic_directory, read_json, write_json
from tfx_configs.labels import LabelSettings
from tfx_configs.monitoring import MonitorSettings
from tfx_configs.settings import DAY_S, RunSettings

WEEK_S = 7 * DAY_S
STATS = "requests.stats.pb"
FACTS = "reference.json"
PLAIN = "personal_frequency"
METRICS = {"hits_per_trip": "recall@10", "recall@10": "recall@10"}
"""{check: the metric of the evaluation that says how a model's level compares with the plain ranker's}"""
CHUNK = 1000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reference:
    """The reference in memory."""

    visits: pd.DataFrame
    purchases: pd.DataFrame
    items: "pd.Series[float]"
    users: "pd.Series[float]"
    stores: "pd.Series[float]"
    """{id: first seen, unix seconds}."""
    begin_s: int
    cut_s: int
    schema: str
    """Digest of the canonical schema at that time."""
    levels: dict[str, dict[str, float]]
    """{version: {check: its level over the plain ranker's, on the evaluation's trips}}."""
    probable: tuple[str, ...]
    """Versions whose scores are probabilities."""
    promotion_gap_s: float
    """Longest time between starts of promotions before the cut; 0 without promotions."""
    labels: LabelSettings
    """Of the run that made the model: what counts as bought."""
    stats: Path | None
    """requests.stats.pb, where there is one."""
    path: Path


def build(
    tables: Path,
    examples: Path,
    out: Path,
    run: RunSettings,
    settings: MonitorSettings,
    evaluation: Path | None = None,
    validation: Path | None = None,
) -> None:
    """Writes the reference of the model that was trained from `examples`, in one step.

    Args:
        tables: canonical tables of at least the weeks before the cut.
        examples: what the examples stage left.
        evaluation: directory that evaluate wrote. Without it every model is taken for as good as the plain ranker.
        validation: what the validate stage left, for the statistics of the training requests.
    """
    trips = Trips.load(examples / "trips")
    span = (settings.history_weeks + 2) * WEEK_S
    begin_s = max(trips.cut_s - span, int(trips.time_T.min()))
    bought = purchases.read(tables, begin_s, trips.cut_s, run.labels)
    which = np.flatnonzero((trips.time_T >= begin_s) & (trips.time_T < trips.cut_s))
    requests = pd.DataFrame(
        {
            c.USER: trips.user_ids[trips.user_T[which]].astype(str),
            "time_s": trips.time_T[which],
            "logged_s": trips.time_T[which].astype(float),
            c.STORE: trips.store_ids[trips.store_T[which]].astype(str),
            "version": PLAIN,
            "item_ids": _plain_lists(trips, which, run.features.half_lives_days[-1], settings.sampled_visits),
        }
    )
    seen = _seen(trips)
    judged = visits.judged(requests, bought, (), (), settings)
    starts = purchases.promotion_starts(tables)
    gaps = np.diff(starts[starts < trips.cut_s])
    facts = {
        "begin_s": int(begin_s),
        "cut_s": int(trips.cut_s),
        "schema": schema_digest(),
        "promotion_gap_s": float(gaps.max()) if len(gaps) else 0.0,
        "labels": dataclasses.asdict(run.labels),
    } | _levels(evaluation)
    with atomic_directory(out) as fresh:
        judged.to_parquet(fresh / "visits.parquet", index=False)
        bought.to_parquet(fresh / "purchases.parquet", index=False)
        seen.to_parquet(fresh / "seen.parquet", index=False)
        if validation is not None and (validation / STATS).is_file():
            shutil.copyfile(validation / STATS, fresh / STATS)
        write_json(fresh / FACTS, facts)


def load(path: Path) -> Reference:
    """Raises InputError when `path` holds no reference."""
    if not (path / FACTS).is_file():
        raise InputError(f"reference: expected {FACTS} in {path}, found none; build one from a finished run")
    seen = pd.read_parquet(path / "seen.parquet")
    first = {kind: rows.set_index("id")["first_s"] for kind, rows in seen.groupby("kind")}
    facts: dict[str, Any] = read_json(path / FACTS)
    return Reference(
        visits=pd.read_parquet(path / "visits.parquet"),
        purchases=pd.read_parquet(path / "purchases.parquet"),
        items=first["item"],
        users=first["user"],
        stores=first["store"],
        stats=path / STATS if (path / STATS).is_file() else None,
        path=path,
        **facts | {"probable": tuple(facts["probable"]), "labels": LabelSettings.from_dict(facts.get("labels", {}))},
    )


def _levels(evaluation: Path | None) -> dict[str, Any]:
    """What the evaluation says of each version, against the plain ranker on the same trips."""
    if evaluation is None or not (evaluation / Evaluation.FILE).is_file():
        return {"levels": {}, "probable": []}
    found = Evaluation.load(evaluation)
    plain = found.models.get(PLAIN, {})
    levels: dict[str, dict[str, float]] = {}
    probable = []
    for name, version in found.versions.items():
        values, ratios = found.models[name], {}
        for check, metric in METRICS.items():
            own, base = values.get(metric), plain.get(metric)
            if own is not None and base:
                ratios[check] = own / base
        levels[version] = ratios
        if values.get(CALIBRATION_RATIO) is not None:
            probable.append(version)
    return {"levels": levels, "probable": probable}


def _seen(trips: Trips) -> pd.DataFrame:
    """One row an id; shoppers and stores only where training had a trip of theirs."""
    train_E, train_T = trips.event_time_E < trips.cut_s, trips.time_T < trips.cut_s
    parts = {
        "item": (trips.item_ids, trips.event_item_E[train_E], trips.event_time_E[train_E]),
        "user": (trips.user_ids, trips.user_T[train_T], trips.time_T[train_T]),
        "store": (trips.store_ids, trips.store_T[train_T], trips.time_T[train_T]),
    }
    frames = []
    for kind, (ids, code, time_s) in parts.items():
        first = np.full(len(ids), np.inf)
        np.minimum.at(first, code, time_s)
        found = pd.DataFrame({"kind": kind, "id": ids.astype(str), "first_s": np.where(first < np.inf, first, np.nan)})
        frames.append(found if kind == "item" else found.dropna())
    return pd.concat(frames, ignore_index=True)


def _plain_lists(trips: Trips, which: np.ndarray, half_life_days: float, sampled: int) -> list[list[str] | None]:
    """The plain ranker's list for all trips of as many shoppers as make `sampled` trips; None for the others."""
    user = trips.user_ids[trips.user_T[which]].astype(str)
    by_user = pd.Series(1, index=user).groupby(level=0).sum()
    order = sorted(by_user.index, key=lambda name: zlib.crc32(name.encode()))
    kept = set(by_user[order].index[by_user[order].cumsum() <= max(sampled, by_user[order].iloc[0])])
    chosen = np.flatnonzero([name in kept for name in user])
    out: list[list[str] | None] = [None] * len(which)
    for start in range(0, len(chosen), CHUNK):
        rows = chosen[start : start + CHUNK]
        for row, items in zip(rows, _top(trips, which[rows], half_life_days), strict=True):
            out[row] = items
    return out


def _top(trips: Trips, which: np.ndarray, half_life_days: float) -> list[list[str]]:
    """For each trip the K items of its history with the largest decayed count, best first, ties by item index."""
    position_H, row_H = trips.histories(which)
    item_H = trips.event_item_E[position_H].astype(np.int64)
    age_H = trips.time_T[which][row_H] - trips.event_time_E[position_H]
    weight_H = 0.5 ** (age_H / (half_life_days * DAY_S))
    items = len(trips.item_ids)
    key_P, inverse = np.unique(row_H.astype(np.int64) * items + item_H, return_inverse=True)
    count_P = np.bincount(inverse, weight_H)
    row_P, item_P = key_P // items, key_P % items
    order = np.lexsort((item_P, -count_P, row_P))
    begin, end = (np.searchsorted(row_P, np.arange(len(which)), side) for side in ("left", "right"))
    return [trips.item_ids[item_P[order[b : min(e, b + visits.K)]]].tolist() for b, e in zip(begin, end, strict=True)]
