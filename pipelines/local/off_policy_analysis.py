"""What another re-rank policy would have earned: a request log with propensities, and what was bought after its lists.

A visit and its outcome are the monitor's (components/monitor/data/attribution.py), as in experiment_analysis.py. Only
requests that were logged in detail count: their candidates are what the other policy would have shown from.
"""

from pathlib import Path

import numpy as np

from components.monitor.data import attribution
from components.monitor.data import purchases as bought
from model.data import columns as c
from model.errors import InputError
from model.evaluation.off_policy import Comparison, collect, compare
from model.request_log import reader as request_log
from model.rerank.reranker import explored
from pipelines.local.experiment_analysis import LATER_S
from tfx_configs.labels import LabelSettings
from tfx_configs.monitoring import MonitorSettings
from tfx_configs.rerank import RerankSettings
from tfx_configs.units import HOUR_S

READ = (c.REQUEST, "version", c.USER, "time_s", "logged_s", "route", "new_only")
DETAIL = ("item_ids", "propensities", "candidate_ids", "candidate_scores")


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
    rows = request_log.read(log, int(since_s), end_s, columns=[*READ, *DETAIL]).to_pandas()
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
