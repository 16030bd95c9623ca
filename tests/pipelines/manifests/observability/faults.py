"""What can break, and which alerts must fire on it."""

import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from components.kfp_support.pushgateway import CHECK_FAILED, MONITOR_RUN, Sample, ended, push
from components.rollout.decision.states import State
from components.rollout.kserve.cluster_rollout import gauges
from tests.pipelines.manifests.observability.monitoring_files import ALERTS
from tests.pipelines.manifests.observability.shops import MOST_CLIENTS, Shop

CLEAN = "clean"
CROWDED = ("AisleShedding", "AisleSaturated", "AisleAvailabilityBurn", "AisleStageSlow", "AisleStateUnsteady")
"""May fire where a fault needs more clients than the server answers at a time: its requests wait for a core."""
BURN_ALERTS = tuple(f"{alert.name} {alert.labels.window}" for alert in ALERTS if alert.labels.window)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """`alerts` must fire; `also` may, as consequences. Both as `spelt`; a name alone is every alert of that name.

    Faults that have nothing to do with each other may share a shop."""

    shop: str
    what: str
    inject: Callable[[Shop], None]
    alerts: tuple[str, ...]
    also: tuple[str, ...] = ()


def spelt(name: str, labels: Mapping[str, str]) -> str:
    """An alert as it is named here: with a word of its labels where several share its name."""
    words = {"AisleCheckFailed": labels["severity"], "AisleMonitorNotRun": "never" if "never" in labels else ""}
    return f"{name} {labels.get('window', words.get(name, ''))}".rstrip()


def _jobs(shop: Shop) -> None:
    """What jobs that end report of themselves."""
    now_s = time.time()
    push(shop.gateway, "aisle-cluster", shop.name, ended("aisle-cluster", "FAILED", now_s))
    push(shop.gateway, "aisle-rollout", shop.name, gauges(State.ROLLED_BACK, None, 0))
    failed = Sample(name=CHECK_FAILED, value=1, labels={"check": "skew", "severity": "page"})
    old = Sample(name=MONITOR_RUN, value=now_s - 3 * 86_400)
    ticket = Sample(name=CHECK_FAILED, value=1, labels={"check": "drift", "severity": "ticket"})
    push(shop.gateway, "aisle-monitor", shop.name, [failed, ticket, old])


def _schedules_stop(shop: Shop) -> None:
    """The last that was heard of the recurring runs: a canary has traffic, and training was nine days ago."""
    now_s = time.time()
    push(shop.gateway, "aisle-rollout", shop.name, gauges(State.RUNNING, "v2", 10))
    push(shop.gateway, "aisle-rollout-run", shop.name, ended("aisle-rollout", "COMPLETE", now_s - 4000))
    push(shop.gateway, "aisle-cluster", shop.name, ended("aisle-cluster", "COMPLETE", now_s - 9 * 86_400))


def _deserted(shop: Shop) -> None:
    shop.clients, shop.purchases_late_s = 0, None


def _restored(shop: Shop) -> None:
    """After a moment in which what was sent before has arrived."""
    time.sleep(0.5)
    shop.restore(3 * 86_400)
    shop.clients = 3 * shop.clients


def _split(shop: Shop) -> None:
    """Of fourteen clients twelve ask stable, and two the canary, which was to have a third of the requests."""
    push(shop.gateway, "aisle-rollout", shop.namespace, gauges(State.RUNNING, "v2", 33))
    shop.clients = MOST_CLIENTS


def _not_shipped(shop: Shop) -> None:
    """A finished file of the request log that is 20 minutes old."""
    left = shop.requests / "left.parquet"
    left.write_bytes(b"rows")
    os.utime(left, (time.time() - 1200, time.time() - 1200))


def _bad_purchases(shop: Shop) -> None:
    shop.purchases_bad = True


def _garbage(shop: Shop) -> None:
    shop.garbage = True


def _crowd(shop: Shop) -> None:
    shop.clients, shop.patient = MOST_CLIENTS, True
    shop.model_does("slow")


def _purchases(late_s: float | None) -> Callable[[Shop], None]:
    def inject(shop: Shop) -> None:
        shop.purchases_late_s = late_s

    return inject


FAULTS = (
    Fault(
        shop="slow",
        what="ranking takes 200 ms",
        inject=lambda shop: shop.model_does("slow"),
        alerts=("AisleMostlyFallbacks", "AisleFallbacks"),
        also=("AisleStageSlow", "AisleLatencyBurn"),
    ),
    Fault(
        shop="fails",
        what="the model raises an error",
        inject=lambda shop: shop.model_does("fails"),
        alerts=("AisleModelFails", "AisleMostlyFallbacks"),
        also=("AisleFallbacks",),
    ),
    Fault(
        shop="repeats",
        what="the model lists one item twice",
        inject=lambda shop: shop.model_does("repeats"),
        alerts=("AisleAnswersBroken", "AisleMostlyFallbacks"),
        also=("AisleFallbacks",),
    ),
    Fault(
        shop="fails",
        what="no purchase comes in",
        inject=_purchases(None),
        alerts=("AisleEventsStopped",),
    ),
    Fault(
        shop="fails",
        what="the store is put back to a copy that is three days old",
        inject=_restored,
        alerts=("AisleStateStale",),
        also=CROWDED,
    ),
    Fault(
        shop="store-dead",
        what="Redis is killed",
        inject=lambda shop: shop.store.kill(),
        alerts=("AisleStateUnavailable", "AisleStateUnsteady", "AisleEventsRefused"),
        also=("AisleEventsStopped", "AisleStageSlow"),
    ),
    Fault(
        shop="store-hangs",
        what="Redis stops answering",
        inject=lambda shop: os.kill(shop.store.pid, signal.SIGSTOP),
        alerts=("AisleStateUnavailable", "AisleStateUnsteady", "AisleStageSlow"),
        also=("AisleEventsStopped", "AisleEventsRefused"),
    ),
    Fault(
        shop="crowded",
        what="twelve patient clients at a slow server that answers four at a time",
        inject=_crowd,
        alerts=(*BURN_ALERTS, "AisleStageSlow", "AisleShedding", "AisleSaturated"),
        also=("AisleFallbacks", "AisleMostlyFallbacks", "AisleStateUnsteady"),
    ),
    Fault(
        shop="odd",
        what="the server can write to no file",
        inject=lambda shop: shop.model_does("disk full"),
        alerts=("AisleRequestLogDrops",),
    ),
    Fault(
        shop="odd",
        what="rules leave one item to show",
        inject=lambda shop: shop.model_does("short"),
        alerts=("AisleShortAnswers",),
    ),
    Fault(
        shop="odd",
        what="the model's data end 36 days ago",
        inject=lambda shop: shop.model_does("old"),
        alerts=("AisleModelOld",),
    ),
    Fault(
        shop="odd",
        what="purchases come in an hour late",
        inject=_purchases(3600.0),
        alerts=("AisleEventsLate",),
    ),
    Fault(
        shop="odd",
        what="purchases come in without an id, and from an hour ahead",
        inject=_bad_purchases,
        alerts=("AisleEventsBad",),
    ),
    Fault(
        shop="odd",
        what="a client sends what is not HTTP",
        inject=_garbage,
        alerts=("AisleTurnedAway",),
    ),
    Fault(
        shop="odd",
        what="a pipeline fails, a canary is rolled back, a check fails, the monitor last ran three days ago",
        inject=_jobs,
        alerts=(
            "AislePipelineFailed",
            "AisleCanaryRolledBack",
            "AisleCheckFailed page",
            "AisleCheckFailed ticket",
            "AisleMonitorNotRun",
        ),
    ),
    Fault(
        shop="odd",
        what="the request log is not shipped",
        inject=_not_shipped,
        alerts=("AisleRequestLogBehind",),
    ),
    Fault(
        shop="deserted",
        what="no request reaches the servers",
        inject=_deserted,
        alerts=("AisleNoTraffic",),
    ),
    Fault(
        shop="split",
        what="the canary gets a seventh of the requests where a third was declared",
        inject=_split,
        alerts=("AisleSplitMismatch",),
        also=CROWDED,
    ),
    Fault(
        shop="slow",
        what="no recurring run has run: the canary's for an hour, training for nine days",
        inject=_schedules_stop,
        alerts=("AisleRolloutStalled", "AislePipelineNotRun"),
    ),
    Fault(
        shop="server-dead", what="the server is killed", inject=lambda shop: shop.process.kill(), alerts=("AisleDown",)
    ),
)
SHOPS = (CLEAN, *dict.fromkeys(fault.shop for fault in FAULTS))
CANARIES = {"split-canary": "split"}
"""{a server more: the shop that it is the canary of}"""
PAST = (CLEAN, "crowded", "fails", "deserted", "split")
"""Shops with a week behind them in which all was well: what is compared with the week before, and burns over days."""
