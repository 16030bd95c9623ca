"""What the server exports to Prometheus, as in metrics.json. `version` is the model's version."""

import collections
import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from model import api
from model.api import SOURCES, Rung
from model.serving.contract import Violation
from model.serving.history.lookup import Source, State
from model.serving.v2_inputs import Query

M = TypeVar("M", bound=MetricWrapperBase)
_SPECIFICATIONS = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
"""{name: arguments of prometheus_client's class}"""


def _made(kind: type[M], name: str) -> M:
    return kind(name, **_SPECIFICATIONS[name])


REQUESTS = _made(Counter, "aisle_requests_total")
ANSWERS = _made(Counter, "aisle_answers_total")
REFUSED = _made(Counter, "aisle_refused_total")
SECONDS = _made(Histogram, "aisle_request_seconds")
STAGE_SECONDS = _made(Histogram, "aisle_stage_seconds")
CANDIDATES = _made(Histogram, "aisle_candidates")
MISSING = _made(Counter, "aisle_missing_total")
CHECKED = _made(Counter, "aisle_checked_total")
UNKNOWN = _made(Counter, "aisle_unknown_total")
ITEMS = _made(Counter, "aisle_items_total")
FILLED = _made(Counter, "aisle_filled_items_total")
SHORT = _made(Counter, "aisle_short_answers_total")
QUEUE_SECONDS = _made(Histogram, "aisle_queue_seconds")
BATCH_SIZE = _made(Histogram, "aisle_batch_size")
STATE = _made(Counter, "aisle_state_total")
STATE_AGE = _made(Histogram, "aisle_state_age_seconds")
IN_FLIGHT = _made(Gauge, "aisle_in_flight")
IN_FLIGHT_LIMIT = _made(Gauge, "aisle_in_flight_limit")
MODEL_CUT = _made(Gauge, "aisle_model_cut_timestamp_seconds")
EVENTS = _made(Counter, "aisle_events_total")
EVENTS_REFUSED = _made(Counter, "aisle_events_refused_total")
EVENTS_AHEAD = _made(Counter, "aisle_events_ahead_total")
EVENT_LAG = _made(Histogram, "aisle_event_lag_seconds")
LATE = _made(Counter, "aisle_late_total")
MODEL_FAILURES = _made(Counter, "aisle_model_failures_total")
VIOLATIONS = _made(Counter, "aisle_contract_violations_total")
LOG_DROPPED = _made(Counter, "aisle_request_log_dropped_total")
LOG_WAITING_FILES = _made(Gauge, "aisle_request_log_waiting_files")
LOG_WAITING_SECONDS = _made(Gauge, "aisle_request_log_waiting_seconds")


@functools.lru_cache(1024)
def of(metric: M, *labels: str) -> M:
    """The series of these labels. prometheus_client's own `labels` takes longer than most requests' share of it."""
    return metric.labels(*labels)


def begin(version: str, max_in_flight: int) -> None:
    """Counters start at 0, not at their first count: a rate knows nothing of what was there when a series began."""
    IN_FLIGHT_LIMIT.set(max_in_flight)
    for outcome in ("bad_request", "shed", "error"):
        REQUESTS.labels(version, outcome, "")
    for rung in Rung:
        REQUESTS.labels(version, "ok", rung)
    for source in Source:
        STATE.labels(version, source)
    for result in ("added", "known", "unavailable"):
        EVENTS.labels(result)
    for feature in ("history", "store"):
        MISSING.labels(version, feature)
    for shelf in ("list", "new"):
        SHORT.labels(version, shelf)
    for kind in Violation:
        VIOLATIONS.labels(version, kind)
    for metric in (SECONDS, FILLED, LATE, MODEL_FAILURES):
        metric.labels(version)


def events_came(lags_s: Sequence[float], added: int, ahead: int) -> None:
    """A batch of purchases was kept, `added` of them new; `lags_s`: how old each was; `ahead`: of the future."""
    EVENTS_AHEAD.inc(ahead)
    EVENTS.labels("added").inc(added)
    EVENTS.labels("known").inc(len(lags_s) - added)
    for lag_s in lags_s:
        EVENT_LAG.observe(lag_s)


def count(version: str, query: Query, state: State, answer: api.Answer, rung: Rung, seconds: float) -> None:
    """An answer was made, `seconds` after the request came."""
    of(REQUESTS, version, "ok", rung).inc()
    of(SECONDS, version).observe(seconds)
    of(STATE, version, state.source).inc()
    if state.source is Source.FOUND:
        of(STATE_AGE, version).observe(state.time_s - int(state.history.times[-1]))
    if not len(state.history.items):
        of(MISSING, version, "history").inc()
    if not query.store_id:
        of(MISSING, version, "store").inc()
    shelf, shown, wanted = ("list", answer, query.k) if answer.new is None else ("new", answer.new, query.k_new)
    of(FILLED, version).inc(shown.filled)
    if len(shown.item_ids) < wanted:
        of(SHORT, version, shelf).inc()
    reasons = answer.reasons if answer.new is None else answer.reasons + answer.new.reasons
    for source, items in collections.Counter(reasons).items():
        of(ITEMS, version, source).inc(items)
    if answer.ranked is not None:
        proposed = collections.Counter(answer.ranked.reasons)
        for source in SOURCES:
            of(CANDIDATES, version, source).observe(proposed[source])
    if (unknown := answer.unknown) is not None:
        for feature, checked, missed in (
            ("shopper", 1, unknown.shopper),
            ("store", 1, unknown.store),
            ("history_items", len(state.history.items), unknown.history_items),
            ("exclude", len(query.exclude), unknown.exclude_items),
        ):
            of(CHECKED, version, feature).inc(checked)
            of(UNKNOWN, version, feature).inc(missed)
