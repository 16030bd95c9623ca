"""The baseline of all comparisons: the weeks before the cut of the active model, as data.

    visits.parquet     trips of those weeks as visits (visits.py), a sample of them answered by a plain ranker
    purchases.parquet  what was bought in them
    seen.parquet       kind (item, user, store), id, first_s: its first event in training, NaN for items never bought
    requests.stats.pb  TFDV statistics of all training trips as requests, from validation, where there are any
    reference.json     MonitorBaseline

The plain ranker lists what the shopper bought most, each purchase halved at the longest half-life of the features. It
never changes, so its hits move from week to week as much as outcomes move by themselves.
"""

import dataclasses
import shutil
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field

from components.artifacts import purchases
from components.artifacts.artifact import Artifact
from components.artifacts.evaluation import Evaluation
from components.artifacts.examples import Examples
from components.artifacts.validation import Validation
from components.monitor.data import visits
from model.data import columns as c
from model.data.personal_frequency import top_frequency
from model.data.schema import schema_digest
from model.data.trips import Trips
from model.evaluation.ranking_metrics import CALIBRATION_RATIO
from model.files import atomic_directory
from tfx_configs.labels import LabelSettings
from tfx_configs.monitoring import MonitorSettings
from tfx_configs.settings import RunSettings
from tfx_configs.units import DAY_S, WEEK_S

VISITS, PURCHASES, FIRST_SEEN, STATS = "visits.parquet", "purchases.parquet", "seen.parquet", "requests.stats.pb"
PLAIN = "personal_frequency"
METRICS = {"hits_per_trip": "recall@10", "recall@10": "recall@10"}
"""{check: the metric of the evaluation that compares a model's level with the plain ranker's}"""
CHUNK = 1000


class MonitorBaseline(
    Artifact, file="reference.json", stage="reference", validate_by_name=True, serialize_by_alias=True
):
    """Facts about the model and the weeks before its cut."""

    begin_s: int
    """First moment that the tables cover, unix seconds."""
    cut_s: int
    """The model's cut, which ends the tables, unix seconds."""
    schema_digest: str = Field(alias="schema")
    """Digest of the canonical schema at that time."""
    promotion_gap_s: float
    """Longest time between starts of promotions before the cut, seconds; 0 without promotions."""
    labels: LabelSettings = LabelSettings()
    """Of the run that made the model: what counts as bought."""
    levels: dict[str, dict[str, float]]
    """{version: {check: its level over the plain ranker's, on the evaluation's trips}}."""
    probable: tuple[str, ...]
    """Versions whose scores are probabilities."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Baseline:
    """A baseline in memory."""

    path: Path
    facts: MonitorBaseline
    visits: pd.DataFrame
    purchases: pd.DataFrame
    items: "pd.Series[float]"
    users: "pd.Series[float]"
    stores: "pd.Series[float]"
    """{id: its first event in training, unix seconds}."""

    @property
    def cut_s(self) -> int:
        """The model's cut, unix seconds."""
        return self.facts.cut_s

    @property
    def stats(self) -> Path | None:
        """TFDV's statistics of the training requests, where there are any."""
        return self.path / STATS if (self.path / STATS).is_file() else None


def build(
    *,
    tables: Path,
    examples: Path,
    out: Path,
    run: RunSettings,
    settings: MonitorSettings,
    evaluation: Path | None = None,
    validation: Path | None = None,
) -> None:
    """Writes the baseline of the model that was trained from `examples`, in one step.

    Args:
        tables: canonical tables of at least the weeks before the cut.
        examples: output of the examples stage.
        out: directory of the baseline; replaced.
        run: settings of the run that made the model.
        settings: how many weeks and visits the baseline covers.
        evaluation: directory that evaluate wrote. Without it every model counts as good as the plain ranker.
        validation: output of the validate stage, for the statistics of the training requests.
    """
    trips, labels = Examples(examples).trips(), run.labels
    if labels.positive_types is None:
        labels = labels.replace(positive_types=Examples(examples).learned_from)
    span = (settings.history_weeks + 2) * WEEK_S
    begin_s = max(trips.cut_s - span, int(trips.time_T.min()))
    bought = purchases.read(tables, begin_s, trips.cut_s, labels)
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
    starts = purchases.promotion_starts(tables)
    gaps = np.diff(starts[starts < trips.cut_s])
    levels, probable = _levels(evaluation)
    facts = MonitorBaseline(
        begin_s=int(begin_s),
        cut_s=int(trips.cut_s),
        schema_digest=schema_digest(),
        promotion_gap_s=float(gaps.max()) if len(gaps) else 0.0,
        labels=labels,
        levels=levels,
        probable=probable,
    )
    with atomic_directory(out) as fresh:
        visits.with_outcomes(requests, bought, (), (), settings).to_parquet(fresh / VISITS, index=False)
        bought.to_parquet(fresh / PURCHASES, index=False)
        _first_seen(trips).to_parquet(fresh / FIRST_SEEN, index=False)
        requests_stats = Validation(validation).requests_stats if validation is not None else None
        if requests_stats is not None and requests_stats.is_file():
            shutil.copyfile(requests_stats, fresh / STATS)
        facts.save(fresh)


def load(path: Path) -> Baseline:
    """Reads what `build` wrote. Raises InputError when `path` holds no baseline."""
    facts = MonitorBaseline.load(path)
    first_seen = pd.read_parquet(path / FIRST_SEEN)
    of_kind = {kind: rows.set_index("id")["first_s"] for kind, rows in first_seen.groupby("kind")}
    return Baseline(
        path=path,
        facts=facts,
        visits=pd.read_parquet(path / VISITS),
        purchases=pd.read_parquet(path / PURCHASES),
        items=of_kind["item"],
        users=of_kind["user"],
        stores=of_kind["store"],
    )


def _levels(evaluation: Path | None) -> tuple[dict[str, dict[str, float]], tuple[str, ...]]:
    """({version: {check: level over the plain ranker's on the same trips}}, versions with probabilities for scores)."""
    if evaluation is None or not (evaluation / Evaluation.FILE).is_file():
        return {}, ()
    result = Evaluation.load(evaluation)
    plain = result.models.get(PLAIN, {})
    levels: dict[str, dict[str, float]] = {}
    for name, version in result.versions.items():
        pairs = {check: (result.models[name].get(metric), plain.get(metric)) for check, metric in METRICS.items()}
        levels[version] = {check: own / base for check, (own, base) in pairs.items() if own is not None and base}
    probable = (v for name, v in result.versions.items() if result.models[name].get(CALIBRATION_RATIO) is not None)
    return levels, tuple(probable)


def _first_seen(trips: Trips) -> pd.DataFrame:
    """One row an id; shoppers and stores only where training had a trip of theirs."""
    train_E, train_T = trips.event_time_E < trips.cut_s, trips.time_T < trips.cut_s
    parts = {
        "item": (trips.item_ids, trips.event_item_E[train_E], trips.event_time_E[train_E]),
        "user": (trips.user_ids, trips.user_T[train_T], trips.time_T[train_T]),
        "store": (trips.store_ids, trips.store_T[train_T], trips.time_T[train_T]),
    }
    frames = []
    for kind, (ids, code, time_s) in parts.items():
        first_s = pd.Series(time_s, dtype=float).groupby(code).min().reindex(range(len(ids)))
        rows = pd.DataFrame({"kind": kind, "id": ids.astype(str), "first_s": first_s})
        frames.append(rows if kind == "item" else rows.dropna())
    return pd.concat(frames, ignore_index=True)


def _plain_lists(trips: Trips, which: np.ndarray, half_life_days: float, sampled: int) -> list[list[str] | None]:
    """The plain ranker's list for all trips of as many shoppers as make `sampled` trips; None for the others."""
    user = trips.user_ids[trips.user_T[which]].astype(str)
    by_user = pd.Series(1, index=user).groupby(level=0).sum()
    order = sorted(by_user.index, key=lambda name: zlib.crc32(name.encode()))
    sample = set(by_user[order].index[by_user[order].cumsum() <= max(sampled, by_user[order].iloc[0])])
    chosen = np.flatnonzero([name in sample for name in user])
    lists: list[list[str] | None] = [None] * len(which)
    for start in range(0, len(chosen), CHUNK):
        rows = chosen[start : start + CHUNK]
        for row, items in zip(rows, _plain_list(trips, which[rows], half_life_days), strict=True):
            lists[row] = items
    return lists


def _plain_list(trips: Trips, which: np.ndarray, half_life_days: float) -> list[list[str]]:
    """For each trip the K items of its history with the largest decayed count, best first, ties by item index."""
    position_H, row_H = trips.histories(which)
    age_days_H = (trips.time_T[which][row_H] - trips.event_time_E[position_H]) / DAY_S
    row_P, item_P, _ = top_frequency(row_H, trips.event_item_E[position_H], age_days_H, half_life_days)
    begins, ends = (np.searchsorted(row_P, np.arange(len(which)), side) for side in ("left", "right"))
    shown = (item_P[begin : min(end, begin + visits.K)] for begin, end in zip(begins, ends, strict=True))
    return [trips.item_ids[items].tolist() for items in shown]
