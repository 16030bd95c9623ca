"""An experiment's figures out of a request log and canonical tables: visits, what came of them, and shoppers' past.

A visit and its outcome are the monitor's (components/monitor/data/attribution.py): a shopper's first list within half
an hour, and what is bought in the twelve hours after it.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from components.monitor.data import purchases as bought
from components.monitor.data.visits import with_outcomes
from components.rollout.experiment.analysis import COLUMNS, Analysis, analyse
from components.rollout.experiment.size import Baseline, Visits, baseline
from model.errors import InputError
from model.request_log import reader as request_log
from tfx_configs.experiment import ExperimentSettings
from tfx_configs.labels import LabelSettings
from tfx_configs.monitoring import MonitorSettings
from tfx_configs.units import DAY_S, HOUR_S

PAST_DAYS = 84
"""How much of a shopper's past counts: what is older explains little."""
LATER_S = 7 * DAY_S
"""Purchases so long after the last outcome show that the tables go on, so that none is missing."""
BOUGHT = LabelSettings()
_READ = [*COLUMNS, "request_id", "store_id", "item_ids"]


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
