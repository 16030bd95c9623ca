"""Injects every fault at once, each into a shop of its own, and notes when a real Prometheus fires which alert.

Time passes FACTOR times faster for the rules: an hour's window is half a minute. What takes days to fire is asked of
a second Prometheus, in which it passes LONG_FACTOR times faster. One shop is left alone.
"""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.pipelines.manifests.observability.cpu_probe import CpuProbe
from tests.pipelines.manifests.observability.faults import CANARIES, FAULTS, PAST, SHOPS, spelt
from tests.pipelines.manifests.observability.monitoring_files import ALERTS, GROUPS, Alert, Group, Record
from tests.pipelines.manifests.observability.prometheus import Prometheus, prometheus
from tests.pipelines.manifests.observability.shops import pushgateway, shop, wait_open
from tfx_configs.units import HOUR_S

FACTOR, LONG_FACTOR = 120.0, 7200.0
LONG = ("AisleAvailabilityBurn 3d", "AisleLatencyBurn 3d", "AisleMonitorNotRun never")
"""Asked of the second: it has waits of hours and days, and no window under six hours."""
HEALTHY_S = 8.0
"""Before the faults, seconds on the wall."""
LIMIT_S = {"page": 15 * 60.0, "ticket": 90 * 60.0}
"""Within what an alert must fire, in the rules' own time."""
LONGER_S = {
    "AisleNoTraffic": 30 * 60.0,
    "AisleAvailabilityBurn 6h": HOUR_S,
    "AisleLatencyBurn 6h": HOUR_S,
    "AisleStateStale": 3 * HOUR_S,
    "AisleAvailabilityBurn 3d": 24 * HOUR_S,
    "AisleLatencyBurn 3d": 24 * HOUR_S,
    "AisleMonitorNotRun never": 60 * HOUR_S,
}
"""What reads a quarter of an hour or several hours, or waits for so long, may take longer."""

NO_SHOP = ""
"""Shop of an alert that names none."""
OF_A_BUSY_MACHINE = ("AisleStageSlow", "AisleStateUnsteady", "AisleLatencyBurn", "AisleFallbacks")
"""Fire in every shop, and rightly, where servers do not get the CPU they ask for."""
Key = tuple[str, str]
"""(shop, alert, spelt as in faults.py)"""


@dataclass(frozen=True, kw_only=True)
class Firing:
    """One alert of one fault: after how long it fired, in the rules' own time; None: it did not."""

    name: str
    fault: str
    fired_after_s: float | None
    limit_s: float


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`unexplained`: what fired before any fault, in the clean shop, or where no fault is its cause."""

    firings: tuple[Firing, ...]
    unexplained: tuple[Key, ...]
    busy: bool
    """Whether the machine kept threads waiting for a CPU for as long as the rules call slow."""


def inject_all(workdir: Path) -> Outcome:
    """Some 70 seconds on two free cores."""
    with ExitStack() as stack:
        gateway = stack.enter_context(pushgateway(workdir))
        shops = {name: stack.enter_context(shop(workdir, name, gateway)) for name in SHOPS}
        for name, stable in CANARIES.items():
            shops[name] = stack.enter_context(shop(workdir, name, gateway, canary_of=stable))
        for running in shops.values():
            wait_open(running)
        targets = [(running.namespace, running.port) for running in shops.values()]
        rules = (workdir / "prometheus", targets, int(gateway.rpartition(":")[2]), _groups(long=False), FACTOR, PAST)
        short = stack.enter_context(prometheus(*rules))
        cpu = stack.enter_context(CpuProbe())
        time.sleep(HEALTHY_S)
        early = {key_of(labels) for labels in short.firing()}
        crowded = [(running.namespace, running.port) for running in shops.values() if running.name == "crowded"]
        alone = (workdir / "long", crowded, None, _groups(long=True), LONG_FACTOR, ["crowded"])
        long = stack.enter_context(prometheus(*alone))
        begin_s = time.monotonic()
        for fault in FAULTS:
            fault.inject(shops[fault.shop])
        wanted = {(fault.shop, alert) for fault in FAULTS for alert in fault.alerts} | {(NO_SHOP, LONG[-1])}
        fired, alerts = _watched({FACTOR: short, LONG_FACTOR: long}, wanted, begin_s)
        for running in shops.values():
            running.closed.set()
            running.process.kill()
        absent, _ = _watched({FACTOR: short}, {(NO_SHOP, "AisleAbsent")}, time.monotonic())
    explained = {(fault.shop, alert) for fault in FAULTS for alert in (*fault.alerts, *fault.also)}
    firings = [_firing(alert, fault.what, fired.get((fault.shop, alert))) for fault in FAULTS for alert in fault.alerts]
    firings.append(_firing(LONG[-1], "the monitor has never reported", fired.get((NO_SHOP, LONG[-1]))))
    firings.append(_firing("AisleAbsent", "every server is killed", absent.get((NO_SHOP, "AisleAbsent"))))
    unexplained = {key for key in alerts if not {key, (key[0], key[1].split()[0])} & explained} - {(NO_SHOP, LONG[-1])}
    return Outcome(firings=tuple(firings), unexplained=tuple(sorted(early | unexplained)), busy=cpu.starved)


def limit_s(name: str) -> float:
    """Within what an alert must fire, in the rules' own time."""
    return LONGER_S.get(name, LIMIT_S[_gravest(name)])


def name_of(alert: Alert) -> str:
    """As faults.py spells it."""
    return spelt(alert.name, alert.labels.model_dump(exclude_defaults=True))


def key_of(labels: dict[str, str]) -> Key:
    """Of an alert that fires."""
    return labels.get("namespace", NO_SHOP), spelt(labels["alertname"], labels)


def _groups(long: bool) -> tuple[Group, ...]:
    """Our groups: all that is recorded, and the alerts in LONG, or the others."""

    def selected(rule: Record | Alert) -> bool:
        return isinstance(rule, Record) or (name_of(rule) in LONG) == long

    return tuple(Group(name=group.name, rules=tuple(filter(selected, group.rules))) for group in GROUPS)


def _firing(name: str, fault: str, after_s: float | None) -> Firing:
    return Firing(name=name, fault=fault, fired_after_s=after_s, limit_s=limit_s(name))


def _watched(by_factor: dict[float, Prometheus], wanted: set[Key], begin_s: float) -> tuple[dict[Key, float], set[Key]]:
    """(when each alert fired first at its gravest, in the rules' own seconds; all that fired at all).

    Until all that are wanted have fired, or the last limit of any is past.
    """
    fired: dict[Key, float] = {}
    alerts: set[Key] = set()
    end_s = begin_s + max(limit_s(name) / (LONG_FACTOR if name in LONG else FACTOR) for _, name in wanted)
    while time.monotonic() < end_s and not wanted <= fired.keys():
        for factor, server in by_factor.items():
            for labels in server.firing():
                key = key_of(labels)
                alerts.add(key)
                if labels["severity"] == _gravest(key[1]):
                    fired.setdefault(key, (time.monotonic() - begin_s) * factor)
        time.sleep(0.2)
    return fired, alerts


def _gravest(name: str) -> str:
    severities = {alert.severity for alert in ALERTS if name_of(alert) == name}
    return "page" if "page" in severities else "ticket"
