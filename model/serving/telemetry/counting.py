"""What one answer adds to the metrics."""

from collections import Counter

from model import api
from model.api import SOURCES, Rung
from model.serving.history.lookup import Source, State
from model.serving.telemetry import metrics
from model.serving.v2_inputs import Query


def count(version: str, query: Query, state: State, answer: api.Answer, rung: Rung, seconds: float) -> None:
    """An answer was made, `seconds` after the request came."""
    metrics.REQUESTS.labels(version, "ok", rung).inc()
    metrics.SECONDS.labels(version).observe(seconds)
    metrics.STATE.labels(version, state.source).inc()
    if state.source is Source.FOUND:
        metrics.STATE_AGE.labels(version).observe(query.time_s - int(state.times[-1]))
    if not len(state.items):
        metrics.MISSING.labels(version, "history").inc()
    if not query.store_id:
        metrics.MISSING.labels(version, "store").inc()
    for source, items in Counter(answer.reasons).items():
        metrics.ITEMS.labels(version, source).inc(items)
    if answer.ranked is not None:
        proposed = Counter(answer.ranked.reasons)
        for source in SOURCES:
            metrics.CANDIDATES.labels(version, source).observe(proposed[source])
    if answer.unknown is not None:
        _count_unknown(version, answer.unknown, len(state.items), len(query.exclude))


def _count_unknown(version: str, unknown: api.Unknown, history: int, exclude: int) -> None:
    metrics.CHECKED.labels(version, "shopper").inc()
    metrics.CHECKED.labels(version, "store").inc()
    metrics.CHECKED.labels(version, "history_items").inc(history)
    metrics.CHECKED.labels(version, "exclude").inc(exclude)
    metrics.UNKNOWN.labels(version, "shopper").inc(unknown.shopper)
    metrics.UNKNOWN.labels(version, "store").inc(unknown.store)
    metrics.UNKNOWN.labels(version, "history_items").inc(unknown.history_items)
    metrics.UNKNOWN.labels(version, "exclude").inc(unknown.exclude_items)
