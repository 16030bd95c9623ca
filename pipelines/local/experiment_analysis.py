"""An experiment's figures out of a request log and canonical tables: visits, what came of them, and shoppers' past.

Also what another re-rank policy would have earned on those visits, from the propensities in the log.

A visit and its outcome are the monitor's (model/request_log/attribution.py): a shopper's first list within half
an hour, and what is bought in the twelve hours after it.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from components.artifacts import purchases as bought
from components.monitor.data.visits import with_outcomes
from components.rollout.experiment.analysis import COLUMNS, Analysis, analyse
from components.rollout.experiment.size import Baseline, Visits, baseline
from model.data import columns as c
from model.errors import InputError
from model.evaluation.off_policy import Comparison, collect, compare
from model.request_log import attribution
from model.request_log import reader as request_log
from model.rerank.reranker import explored
from tfx_configs.experiment import ExperimentSettings
from tfx_configs.labels import LabelSettings
from tfx_configs.monitoring import MonitorSettings
from tfx_configs.rerank import RerankSettings
from tfx_configs.units import DAY_S, HOUR_S

PAST_DAYS = 84
"""How much of a shopper's past counts: what is older explains little."""
LATER_S = 7 * DAY_S
"""Purchases so long after the last outcome show that the tables go on, so that none is missing."""
BOUGHT = LabelSettings()
_READ = [*COLUMNS, "request_id", "store_id", "item_ids"]
_LOGGED = (c.REQUEST, "version", c.USER, "time_s", "logged_s", "route", "new_only")
_DETAIL = ("item_ids", "propensities", "candidate_ids", "candidate_scores")


def read_experiment(
    log: Path | str,
    tables: Path,
    since_s: float,
    until_s: float | None,
    control: str,
    treatment: str,
    settings: ExperimentSettings,
    final: bool = False,
    labels: LabelSettings = BOUGHT,
) -> Analysis:
    """Reads the experiment that began at `since_s`; see `analyse`.

    Args:
        tables: directory of canonical tables, with the purchases that followed and those before.
        until_s: end of the experiment so far, unix seconds; None: to the log's end.
        labels: of the run that made the versions: what counts as an outcome.

    Raises:
        InputError: there is no log, no events, or nothing in the span.
    """
    rows, visits, past = _figures(log, tables, since_s, until_s, labels)
    there = sorted(set(rows["version"]))
    for version in (control, treatment):
        if version not in there:
            raise InputError(f"{version}: expected answers of it in the log's span, it has {', '.join(there)}")
    return analyse(rows, visits, past, control, treatment, settings, final)


def size_baseline(
    log: Path | str,
    tables: Path,
    since_s: float | None,
    until_s: float | None,
    labels: LabelSettings = BOUGHT,
) -> tuple[Baseline, Visits]:
    """(what shoppers do without an experiment, their visits).

    Without `since_s` the first half of the log's span is only past, so that there is one.

    Raises:
        InputError: there is no log, no events, or too little in the span.
    """
    end_s = int(until_s) if until_s is not None else None
    if since_s is None:
        span = request_log.read(log, until_s=end_s, columns=["time_s"])["time_s"].to_numpy()
        if not len(span):
            raise InputError(f"{log}: expected requests in the log, got none")
        since_s = float(span.min() + span.max()) / 2
    _, visits, past = _figures(log, tables, since_s, until_s, labels)
    closed = visits[visits["hits"].notna()]
    each = closed.groupby("user_id")["hits"].agg(["sum", "size"])
    try:
        before = baseline(
            each["sum"].to_numpy(dtype=float),
            each["size"].to_numpy(dtype=float),
            np.asarray(past.reindex(each.index, fill_value=0.0), dtype=float),
        )
    except ValueError as error:
        raise InputError(f"{log}: {error} in the log's span; give a longer one") from None
    return before, Visits(
        day_V=((closed["time_s"] - since_s) // DAY_S).to_numpy(dtype=int),
        user_V=each.index.get_indexer(pd.Index(closed["user_id"])),
        hits_V=closed["hits"].to_numpy(dtype=float),
    )


def compare_policy(
    log: Path | str,
    tables: Path,
    since_s: float,
    until_s: float | None,
    version: str,
    policy: RerankSettings,
    labels: LabelSettings,
) -> Comparison:
    """The policy against the one that was logged, on the closed visits of one version.

    Only requests that were logged in detail count: their candidates are what the policy would have shown from.

    Args:
        tables: canonical tables with the purchases that followed.
        since_s: begin of the span, unix seconds; `until_s`: its end, None for that of the log.
        version: whose answers; its scores are probabilities.
        policy: only its draws count (`explore_*`): rules and diversity are those of the log.
        labels: what counts as an outcome.

    Raises:
        InputError: there is no log or no events, or no visit of the version was logged in detail.
    """
    settings, end_s = MonitorSettings(), None if until_s is None else int(until_s)
    rows = request_log.read(log, int(since_s), end_s, columns=[*_LOGGED, *_DETAIL]).to_pandas()
    rows = rows[~rows["new_only"].eq(True) & (rows["route"] != "named")]
    if rows.empty:
        raise InputError(f"{log}: expected requests in the span, found none; see --since and --until")
    outcomes_s = settings.outcome_hours * HOUR_S
    events = bought.read(tables, since_s, float(rows["time_s"].max()) + outcomes_s + LATER_S, labels)
    visits = attribution.first_of_visits(rows, settings.visit_minutes)
    baskets = attribution.baskets(visits, events, settings)
    last_s = float(events[c.TIME].max()) if len(events) else 0.0
    counted = visits["version"].eq(version) & visits["candidate_ids"].map(lambda ids: ids is not None and len(ids) > 0)
    counted &= visits["time_s"] <= last_s - outcomes_s
    which = np.flatnonzero(counted)
    if not len(which):
        versions = ", ".join(sorted(set(visits["version"])))
        raise InputError(
            f"{version}: expected closed visits logged in detail, found none; the log has {versions}, "
            "and the server's --log-detail-percent decides how many are detailed"
        )
    chosen = visits.iloc[which]
    propensities = chosen["propensities"].map(lambda values: () if values is None else values)
    lists = list(zip(chosen["item_ids"], propensities, strict=True))
    scores = chosen["candidate_scores"].map(lambda values: np.asarray(values, float))
    candidates = list(zip(chosen["candidate_ids"], scores, strict=True))
    bought_after, shoppers = [baskets[visit] for visit in which], chosen[c.USER].tolist()
    return compare(
        collect(lists, candidates, bought_after, shoppers, lambda _, score_C, k: explored(len(score_C), k, policy))
    )


def _figures(
    log: Path | str, tables: Path, since_s: float, until_s: float | None, labels: LabelSettings
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """(rows of the span, its closed visits, past of each shopper by user_id).

    Rows of the log from before the span, of any version, are past.
    """
    settings = MonitorSettings()
    end_s = int(until_s) if until_s is not None else None
    begin_s = since_s - PAST_DAYS * DAY_S
    rows = request_log.read(log, int(begin_s), end_s, columns=_READ).to_pandas()
    span = rows[rows["time_s"] >= since_s]
    if span.empty:
        raise InputError(f"{log}: expected requests in the span, got none; see --since and --until")
    last_s = float(span["time_s"].max())
    outcomes_s = settings.outcome_hours * HOUR_S
    events = bought.read(tables, begin_s, last_s + outcomes_s + LATER_S, labels)
    asked = rows[rows["route"] != "named"]
    visits = with_outcomes(asked, events, (), (), settings)
    now = visits[visits["time_s"] >= since_s]
    closed = now["time_s"] <= (events["event_time"].max() if len(events) else 0.0) - outcomes_s
    visits_before = visits[visits["time_s"] < since_s - outcomes_s]
    return span, now.assign(hits=now["hits"].where(closed)), past_of(events, visits_before, since_s)


def past_of(events: pd.DataFrame, visits: pd.DataFrame, since_s: float) -> pd.DataFrame:
    """By user_id: trips and items a trip before the experiment, and hits a visit where the log goes back."""
    before = events[events["event_time"] < since_s]
    moments = before.drop_duplicates(["user_id", "event_time"]).groupby("user_id").size()
    items = before.drop_duplicates(["user_id", "event_time", "item_id"]).groupby("user_id").size()
    hits = visits.groupby("user_id")["hits"].mean()
    figures = {
        "trips": np.log1p(moments),
        "items_a_trip": items / moments,
        "bought": (moments > 0).astype(float),
        "hits_a_visit": hits,
        "visited": hits.notna().astype(float),
    }
    return pd.DataFrame(figures).fillna(0.0)
