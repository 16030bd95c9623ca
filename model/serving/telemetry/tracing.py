"""Trace spans: request > state, queue, retrieve, rank, rerank. They continue the caller's trace (W3C `traceparent`).

Off, and then next to free, unless OTEL_EXPORTER_OTLP_ENDPOINT (or ..._TRACES_ENDPOINT) names a collector's OTLP/HTTP
address; OpenTelemetry's other variables (OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER, ...) hold as well.
"""

import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
SERVICE = "aisle"

_tracer: Tracer | None = None
_here = threading.local()
"""`parents`: contexts of the requests whose batch this thread runs."""


@contextmanager
def exporting() -> Iterator[None]:
    """Sends spans to the collector that the environment names, if any; at the end, those that still wait."""
    if not any(os.environ.get(name) for name in ENDPOINTS):
        yield
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    name = os.environ.get("OTEL_SERVICE_NAME") or SERVICE
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    use(provider)
    try:
        yield
    finally:
        use(None)
        provider.shutdown()


def use(provider: TracerProvider | None) -> None:
    """From now on, spans go to `provider`; None switches them off."""
    global _tracer
    _tracer = provider.get_tracer(SERVICE) if provider is not None else None


@contextmanager
def request(headers: Mapping[str, str]) -> Iterator[Span]:
    """The span of one request; what is recorded within the block becomes its children. An error ends it as one."""
    if _tracer is None:
        yield INVALID_SPAN
        return
    context = TraceContextTextMapPropagator().extract(headers)
    with _tracer.start_as_current_span("request", context, SpanKind.SERVER) as span:
        yield span


def parent() -> Context | None:
    """What the stages of the present request hang under; None when there is no span."""
    span = trace.get_current_span() if _tracer is not None else INVALID_SPAN
    return trace.set_span_in_context(span) if span.is_recording() else None


@contextmanager
def batch(parents: Sequence[Context | None]) -> Iterator[None]:
    """What `took` records in this thread, within the block, is recorded for each of these requests."""
    _here.parents = [parent for parent in parents if parent is not None]
    try:
        yield
    finally:
        _here.parents = []


def took(stage: str, seconds: float) -> None:
    """A stage of this thread's batch ended just now."""
    for parent in getattr(_here, "parents", ()):
        stage_of(parent, stage, seconds)


def stage_of(parent: Context | None, stage: str, seconds: float) -> None:
    """A stage of one request ended just now."""
    if _tracer is None or parent is None:
        return
    end_ns = time.time_ns()
    _tracer.start_span(stage, parent, start_time=end_ns - int(seconds * 1e9)).end(end_ns)
