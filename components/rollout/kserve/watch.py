"""The controller of a rollout on a cluster: it evaluates the canary every few seconds, decides and moves.

Everything it must not forget is in the cluster (the service and its record), so it may be killed at any point: the next
one reads where the rollout is and decides again. What it keeps in memory, the last probes and what it read of the log,
is gathered again. Commands by `aisle rollout` and kubectl go on beside it: a change that it did not make is read at the
next evaluation.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from components.inference_service.lease import Lease
from components.kfp_support.progress import progress
from components.rollout.decision.state_machine import Decision
from components.rollout.decision.states import State
from components.rollout.kserve.cluster_rollout import ClusterTraffic
from components.rollout.kserve.notifications import Message, Webhooks
from components.rollout.kserve.prometheus import Query
from components.rollout.kserve.watch_metrics import WatchMetrics
from model.errors import AisleError
from tfx_configs.rollout import RolloutSettings

EVERY_S = 5.0
STUCK_S = 1200.0
"""Without an evaluation for so long it is not healthy: longer than a version may take to become ready."""
MOVES = ("step", "promote", "rollback")


@dataclass(kw_only=True)
class Watch:
    """Not frozen: it remembers what it reported last, so that a message is not sent every few seconds."""

    traffic: ClusterTraffic
    plan: RolloutSettings
    query: Query
    lease: Lease
    metrics: WatchMetrics
    webhooks: Webhooks = field(default_factory=Webhooks)
    now: Callable[[], float] = time.time
    """Unix seconds."""
    _reported: str = field(default="", init=False)
    _canary: str = field(default="", init=False)
    """The last one, whose end may be what is reported."""
    _holds: threading.Event = field(default_factory=threading.Event, init=False)

    def run(self, stopped: Callable[[float], bool], every_s: float = EVERY_S) -> None:
        """Evaluates until it is asked to stop.

        Args:
            stopped: waits so many seconds, and returns whether it was asked to stop.
        """
        ended = threading.Event()
        renewing = threading.Thread(target=self._renew, args=(ended,), name="lease", daemon=True)
        renewing.start()
        try:
            while not stopped(every_s):
                if self._holds.is_set():
                    self.evaluate()
                else:
                    self.metrics.waited(self.now())
        finally:
            ended.set()
            renewing.join()
            self.lease.release()

    def evaluate(self) -> Decision | None:
        """One evaluation; None where it failed, which is reported once and tried again at the next."""
        try:
            self._show()
            decision = self.traffic.step(self.plan, self.query, self.now())
        except AisleError as error:
            self.metrics.failed()
            self._report("error", f"{type(error).__name__}: {str(error)[:80]}", (str(error),))
            return None
        finally:
            self.metrics.evaluated(self.now())
        self.metrics.decided(decision)
        self._after(decision)
        return decision

    def _renew(self, ended: threading.Event) -> None:
        """Holds the lease, also while a promotion is awaited."""
        while True:
            held = self.lease.held()
            (self._holds.set if held else self._holds.clear)()
            self.metrics.leads(held)
            if ended.wait(EVERY_S):
                return

    def _show(self) -> None:
        """State, canary and share, as metrics."""
        current = self.traffic.record()
        canary = current.traffic.canary
        if canary is not None:
            self._canary = canary.name
        self.metrics.shows(current.state, canary.name if canary is not None else None, current.traffic.percent)

    def _after(self, decision: Decision) -> None:
        rule = decision.reasons[0].partition(":")[0]
        if decision.action in MOVES:
            self._report(decision.action, f"{decision.action} {decision.percent}", decision.reasons)
        elif decision.action == "hold" and not decision.wants_traffic:
            self._report("hold", f"hold {rule}", decision.reasons)
        else:
            if self._reported != f"quiet {rule}":
                progress(decision.line)
            self._reported = f"quiet {rule}"

    def _report(self, action: str, key: str, reasons: tuple[str, ...]) -> None:
        """Sends a message, unless it is the last one again."""
        if key == self._reported:
            return
        self._reported = key
        try:
            self._show()
            current = self.traffic.record()
            percent, state, stable = current.traffic.percent, current.state, current.traffic.names().stable or ""
        except AisleError:
            percent, state, stable = 0, State.ABORTED, ""
        self.webhooks.send(
            Message(
                namespace=self.traffic.cluster.namespace,
                canary=self._canary,
                stable=stable,
                action=action,
                percent=percent,
                state=state,
                reasons=reasons,
                time_s=self.now(),
            )
        )
