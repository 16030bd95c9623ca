"""What the controller of a rollout shows about itself: metrics for Prometheus, and whether it is alive."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from components.kfp_support.pushgateway import GAUGES, ROLLOUT_PERCENT, ROLLOUT_STATE
from components.rollout.decision.evidence import Evidence
from components.rollout.decision.guards import measurements
from components.rollout.decision.state_machine import Decision
from components.rollout.decision.states import ON_A_CLUSTER, State
from components.rollout.kserve.observers import Moment, Observer
from tfx_configs.rollout import RolloutSettings

ACTIONS = ("step", "hold", "promote", "rollback", "none")


class WatchMetrics:
    """Of one controller. The state and share of the rollout have the names under which the KFP step pushes them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.last_s = 0.0
        """When it last did what it should: evaluated, or waited for the lease; unix seconds."""
        self._decisions = Counter(
            "aisle_rollout_evaluations_total", "Evaluations by what was decided.", ["action"], registry=self.registry
        )
        self._errors = Counter(
            "aisle_rollout_errors_total", "Evaluations that failed, and are tried again.", registry=self.registry
        )
        self._last = Gauge(
            "aisle_rollout_last_evaluation_timestamp_seconds",
            "When the canary was last evaluated, unix seconds.",
            registry=self.registry,
        )
        self._leads = Gauge(
            "aisle_rollout_leader", "1 while this controller holds the lease, else 0.", registry=self.registry
        )
        self._state, self._percent = (
            Gauge(name, GAUGES[name][0], GAUGES[name][1], registry=self.registry)
            for name in (ROLLOUT_STATE, ROLLOUT_PERCENT)
        )
        self._guards = Gauge(
            "aisle_rollout_guard", "A guard's figure and its limit.", ["rule", "kind"], registry=self.registry
        )
        self._left_out = Gauge(
            "aisle_rollout_left_out_requests", "Requests that are no evidence.", ["reason"], registry=self.registry
        )
        for action in ACTIONS:
            self._decisions.labels(action)

    def observer(self, plan: RolloutSettings) -> Observer:
        """The last of the observers: it adds nothing and shows all that the others saw."""

        def observe(moment: Moment, evidence: Evidence) -> Evidence:
            self._guards.clear()
            self._left_out.clear()
            for measured in measurements(plan, moment.percent, evidence):
                self._guards.labels(measured.rule, "figure").set(measured.value)
                self._guards.labels(measured.rule, "limit").set(measured.limit)
            for reason, count in evidence.left_out.items():
                self._left_out.labels(reason).set(count)
            return evidence

        return observe

    def decided(self, decision: Decision) -> None:
        """An evaluation came to this."""
        self._decisions.labels(decision.action).inc()

    def failed(self) -> None:
        """An evaluation raised."""
        self._errors.inc()

    def evaluated(self, now_s: float) -> None:
        """An evaluation ended, whichever way."""
        self.last_s = now_s
        self._last.set(now_s)

    def waited(self, now_s: float) -> None:
        """Another controller holds the lease."""
        self.last_s = now_s

    def leads(self, held: bool) -> None:
        """Whether this one holds it."""
        self._leads.set(held)

    def shows(self, state: State, canary: str | None, percent: int) -> None:
        """Where the rollout is. canary: its version, None when there is none."""
        for each in ON_A_CLUSTER:
            self._state.labels(each.value).set(each == state)
        self._percent.clear()
        if canary is not None:
            self._percent.labels(canary).set(percent)


@contextmanager
def serving(metrics: WatchMetrics, port: int, healthy: Callable[[], bool]) -> Iterator[int]:
    """Serves /metrics and /healthz until the block ends; yields the port, which the kernel chooses for 0."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, generate_latest(metrics.registry))
            elif self.path == "/healthz":
                self._answer(*((200, b"ok\n") if healthy() else (503, b"no evaluation for too long\n")))
            else:
                self._answer(404, b"")

        def log_message(self, *_: object) -> None:
            """Silent."""

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("", port), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="health", daemon=True)
    thread.start()
    try:
        yield int(server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
