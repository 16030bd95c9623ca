"""What the server exports to Prometheus. `version` is the model's version."""

from collections.abc import Iterable, Sequence

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_STAGE_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
_LAGS_S = (1, 10, 60, 300, 900, 3600, 6 * 3600, 86_400, 7 * 86_400)
_AGES_S = (60, 3600, 6 * 3600, 86_400, 3 * 86_400, 7 * 86_400, 14 * 86_400, 28 * 86_400, 91 * 86_400, 365 * 86_400)

REQUESTS = Counter(
    "aisle_requests_total",
    "Inference requests by version, outcome (ok, bad_request, shed, error) and rung (of those that are ok).",
    ("version", "outcome", "rung"),
)
SECONDS = Histogram(
    "aisle_request_seconds",
    "Time from a request's arrival in the predictor to its answer, seconds.",
    ("version",),
    buckets=_SECONDS,
)
STAGE_SECONDS = Histogram(
    "aisle_stage_seconds",
    "Time spent in one stage (state, retrieve, rank, rerank), seconds.",
    ("version", "stage"),
    buckets=_STAGE_SECONDS,
)
CANDIDATES = Histogram(
    "aisle_candidates",
    "Candidates that were ranked for one request, by source; of requests logged in detail.",
    ("version", "source"),
    buckets=(0, 1, 10, 30, 100, 200, 300, 400, 600, 1000),
)
MISSING = Counter(
    "aisle_missing_total", "Answers made without a history, or without a store named.", ("version", "feature")
)
CHECKED = Counter(
    "aisle_checked_total",
    "Values looked up in what the model knows (shopper, store, history_items, exclude), of requests logged in detail.",
    ("version", "feature"),
)
UNKNOWN = Counter("aisle_unknown_total", "Those of them that the model does not know.", ("version", "feature"))
ITEMS = Counter("aisle_items_total", "Items shown, by the source they came from.", ("version", "source"))
QUEUE_SECONDS = Histogram(
    "aisle_queue_seconds",
    "Time a request waited for a thread to rank it, seconds.",
    ("version",),
    buckets=_STAGE_SECONDS,
)
BATCH_SIZE = Histogram("aisle_batch_size", "Requests ranked at once.", ("version",), buckets=(1, 2, 4, 8, 16, 32, 64))
STATE = Counter(
    "aisle_state_total",
    "Histories looked up, by result: found, unknown, recent_items (sent along), unavailable.",
    ("version", "result"),
)
STATE_AGE = Histogram(
    "aisle_state_age_seconds",
    "Age of a shopper's last event at the moment of the request, seconds.",
    ("version",),
    buckets=_AGES_S,
)
IN_FLIGHT = Gauge("aisle_in_flight", "Inference requests being answered.")
IN_FLIGHT_LIMIT = Gauge("aisle_in_flight_limit", "Inference requests answered at a time; more are turned away.")
MODEL_CUT = Gauge(
    "aisle_model_cut_timestamp_seconds", "Moment up to which the model knows the data, unix seconds.", ("version",)
)
EVENTS = Counter(
    "aisle_events_total",
    "Purchases sent to this server, by result: added, known (sent again), unavailable (not kept).",
    ("result",),
)
EVENT_LAG = Histogram("aisle_event_lag_seconds", "From a purchase to its arrival here, seconds.", buckets=_LAGS_S)
LATE = Counter("aisle_late_total", "Rankings left behind because the deadline came first.", ("version",))
MODEL_FAILURES = Counter("aisle_model_failures_total", "Rankings that ended in an error.", ("version",))
LOG_DROPPED = Counter(
    "aisle_request_log_dropped_total",
    "Rows of the request log given up: the disk is full or too slow, or no process took finished files away.",
)
LOG_WAITING_FILES = Gauge(
    "aisle_request_log_waiting_files", "Finished files of the request log that no process has taken away yet."
)
LOG_WAITING_SECONDS = Gauge("aisle_request_log_waiting_seconds", "For how long the oldest of them has been waiting.")


def stage_took(version: str, stage: str, seconds: float) -> None:
    """A stage of a request or a batch ended."""
    STAGE_SECONDS.labels(version, stage).observe(seconds)


def begin(version: str, rungs: Iterable[str], sources: Iterable[str], max_in_flight: int) -> None:
    """Counters start at 0, not at their first count: a rate knows nothing of what was there when a series began."""
    IN_FLIGHT_LIMIT.set(max_in_flight)
    for outcome in ("bad_request", "shed", "error"):
        REQUESTS.labels(version, outcome, "")
    for rung in rungs:
        REQUESTS.labels(version, "ok", rung)
    for source in sources:
        STATE.labels(version, source)
    for result in ("added", "known", "unavailable"):
        EVENTS.labels(result)
    for feature in ("history", "store"):
        MISSING.labels(version, feature)
    for metric in (SECONDS, LATE, MODEL_FAILURES):
        metric.labels(version)


def events_came(lags_s: Sequence[float], added: int) -> None:
    """A batch of purchases was kept, `added` of them new; `lags_s`: how old each was."""
    EVENTS.labels("added").inc(added)
    EVENTS.labels("known").inc(len(lags_s) - added)
    for lag_s in lags_s:
        EVENT_LAG.observe(lag_s)
