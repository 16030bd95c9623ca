"""Injects every fault at once, each into a shop of its own, and notes when a real Prometheus tells which alert.

Time passes FACTOR times faster for the rules: an hour's window is half a minute. One shop is left alone.
"""

import os
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from pipelines.observability.alerts import ALERTS
from tests.pipelines.observability.faults import FAULTS, SHOPS
from tests.pipelines.observability.prometheus import Prometheus, prometheus
from tests.pipelines.observability.shops import pushgateway, shop, wait_open

FACTOR = 120.0
HEALTHY_S = 8.0
"""Before the faults, seconds on the wall."""
LIMIT_S = {"page": 15 * 60.0, "ticket": 90 * 60.0}
"""Within what an alert must fire, in the rules' own time."""

NOBODY = ""
"""Shop of an alert that names none."""
OF_A_BUSY_MACHINE = ("AisleStageSlow", "AisleStateUnsteady", "AisleLatencyBurn", "AisleFallbacks")
"""Fire in every shop, and rightly, where servers do not get the CPU they ask for."""
Key = tuple[str, str]
"""(shop, alert)"""


@dataclass(frozen=True, kw_only=True)
class Told:
    """One alert of one fault: after how long it fired, in the rules' own time; None: it did not."""

    name: str
    fault: str
    fired_after_s: float | None
    limit_s: float


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`unexplained`: what fired before any fault, in the clean shop, or where no fault is its cause."""

    told: tuple[Told, ...]
    unexplained: tuple[Key, ...]
    busy: bool
    """Whether more wanted to run than there are cores before anything was started."""


def inject_all(workdir: Path) -> Outcome:
    """Some 50 seconds on two free cores."""
    busy = os.getloadavg()[0] > (os.cpu_count() or 1)
    with ExitStack() as stack:
        gateway = stack.enter_context(pushgateway(workdir))
        shops = {name: stack.enter_context(shop(workdir, name, gateway)) for name in SHOPS}
        for one in shops.values():
            wait_open(one)
        ports = {name: one.port for name, one in shops.items()}
        found = stack.enter_context(prometheus(workdir, ports, int(gateway.rpartition(":")[2]), FACTOR))
        time.sleep(HEALTHY_S)
        early = {(labels.get("namespace", NOBODY), labels["alertname"]) for labels in found.firing()}
        for fault in FAULTS:
            fault.inject(shops[fault.shop])
        fired, seen = _watched(found, {(fault.shop, alert) for fault in FAULTS for alert in fault.alerts})
        for one in shops.values():
            one.closed.set()
            one.process.kill()
        absent, _ = _watched(found, {(NOBODY, "AisleAbsent")})
    explained = {(fault.shop, alert) for fault in FAULTS for alert in (*fault.alerts, *fault.also)}
    told = [_told(alert, fault.what, fired.get((fault.shop, alert))) for fault in FAULTS for alert in fault.alerts]
    told.append(_told("AisleAbsent", "every server is killed", absent.get((NOBODY, "AisleAbsent"))))
    return Outcome(told=tuple(told), unexplained=tuple(sorted(early | (seen - explained))), busy=busy)


def _told(name: str, fault: str, after_s: float | None) -> Told:
    return Told(name=name, fault=fault, fired_after_s=after_s, limit_s=LIMIT_S[_gravest(name)])


def _watched(found: Prometheus, wanted: set[Key]) -> tuple[dict[Key, float], set[Key]]:
    """(when each alert fired first at its gravest, in the rules' own seconds; all that fired at all).

    Until all that are wanted have fired, or the last limit is past.
    """
    fired: dict[Key, float] = {}
    seen: set[Key] = set()
    begin = time.monotonic()
    while (passed_s := (time.monotonic() - begin) * FACTOR) < LIMIT_S["ticket"] and not wanted <= fired.keys():
        for labels in found.firing():
            key = labels.get("namespace", NOBODY), labels["alertname"]
            seen.add(key)
            if labels["severity"] == _gravest(key[1]):
                fired.setdefault(key, passed_s)
        time.sleep(0.2)
    return fired, seen


def _gravest(name: str) -> str:
    severities = {alert.severity for alert in ALERTS if alert.name == name}
    return "page" if "page" in severities else "ticket"
