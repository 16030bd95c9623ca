"""A shop on a cluster in memory: shoppers, two versions that behave as a test wants, Prometheus, log and purchases.

Time passes only by `sleep`. A shopper's version follows from the declared share by a hash, as at the gateway.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.inference_service.shift import Patience, put
from components.inference_service.traffic import Traffic, read, with_canary
from components.rollout.kserve.cluster_rollout import ClusterTraffic
from components.rollout.kserve.log_evidence import LogEvidence
from components.rollout.kserve.notifications import Message, Webhooks
from components.rollout.kserve.observers import gateway
from components.rollout.kserve.watch import Watch
from components.rollout.kserve.watch_metrics import WatchMetrics
from tests.components.inference_service.test_traffic import NEW, OLD
from tests.components.rollout.kserve.fake_prometheus import FakePrometheus, series
from tests.components.rollout.kserve.shop_log import BEGAN_S, HOUR_S, row, write_log, write_purchases
from tests.components.rollout.kserve.test_cluster_rollout import VersionedCluster
from tfx_configs.rollout import RolloutSettings

EDGES = ("0.01", "0.05", "0.5", "2.5", "+Inf")
SHOPPERS = 600
ITEMS = 40


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """Of one version: shares of its requests, [0, 1]."""

    refused: float = 0.0
    failed: float = 0.0
    broken: float = 0.0
    """Answers that break the contract."""
    lost: float = 0.0
    """Requests that reset their connection: only the gateway knows."""
    slow: float = 0.0
    """Answers after two seconds."""
    bought: float = 0.6
    """Chance that a shopper buys an item of the list."""
    alike: bool = False
    """The same list for all."""
    memory_mb: float = 500.0
    leak_mb: float = 0.0
    """More memory with each hour."""


GOOD = Behaviour()


@dataclass(kw_only=True)
class Shop:
    """`rps` requests a second. `folder`: of log and tables; None: there are none."""

    rps: float
    plan: RolloutSettings
    folder: Path | None = None
    tick_s: float = 1.0
    evaluate_s: float = 5.0
    mode: str = "Standard"
    now_s: float = float(BEGAN_S)
    versions: dict[str, Behaviour] = field(default_factory=lambda: {OLD.name: GOOD, NEW.name: GOOD})
    messages: list[Message] = field(default_factory=list)
    shares: list[tuple[float, int]] = field(default_factory=list)
    """(time, the canary's declared share) at each change."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    bought: list[tuple[str, float, str]] = field(default_factory=list)
    _asked: float = 0.0
    _number: int = 0
    _files: int = 0

    def __post_init__(self) -> None:
        self.cluster = VersionedCluster(self.mode)
        put(self.cluster, Traffic(stable=OLD))
        put(self.cluster, with_canary(Traffic(stable=OLD), NEW, self.plan.percents[0]))
        self.prometheus = FakePrometheus(lambda: self.now_s)

    def watch(self) -> Watch:
        """A controller, as one that was just started."""
        patience = Patience(ready_s=60.0, clock=lambda: self.now_s, sleep=self.sleep)
        observers: list[Any] = [gateway(self.prometheus.query)]
        if self.folder is not None:
            log = LogEvidence(
                log=self.folder / "log", purchases=self.folder / "tables", every_s=600.0, clock=lambda: self.now_s
            )
            observers.append(log)

        def post(_: str, __: bytes, ___: str) -> None:
            """Discards it: `Collecting` has the message."""

        class Collecting(Webhooks):
            def send(inner, message: Message) -> None:
                self.messages.append(message)

        return Watch(
            traffic=ClusterTraffic(cluster=self.cluster, patience=patience, observers=observers),
            plan=self.plan,
            query=self.prometheus.query,
            lease=None,  # type: ignore[arg-type]  # of `run` alone
            metrics=WatchMetrics(),
            webhooks=Collecting(),
            now=lambda: self.now_s,
        )

    def until_over(self, hours: float, watch: Watch | None = None) -> Watch:
        """Evaluates until the rollout has ended, at most for so long."""
        watch, end_s = watch or self.watch(), self.now_s + hours * HOUR_S
        while self.now_s < end_s:
            self.sleep(self.evaluate_s)
            watch.evaluate()
            if not watch.traffic.record().state.active:
                break
        return watch

    def percent(self) -> int:
        return read(self.cluster.record()).percent

    def sleep(self, seconds: float) -> None:
        """Lets time pass, with its requests."""
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            step_s = min(self.tick_s, end_s - self.now_s)
            self._asked += self.rps * step_s
            while self._asked >= 1:
                self._asked -= 1
                self._request()
            self.now_s += step_s
            if not self.shares or self.shares[-1][1] != self.percent():
                self.shares.append((self.now_s, self.percent()))
            for version, behaviour in self.versions.items():
                hours = (self.now_s - BEGAN_S) / HOUR_S
                self.prometheus.memory[version] = 1e6 * (behaviour.memory_mb + behaviour.leak_mb * hours)
            self.prometheus.scrape()
        if self.folder is not None and len(self.rows) >= 200:
            self.ship(self.folder)

    def ship(self, folder: Path) -> None:
        """What the shipper and the shop's export do."""
        self._files += 1
        write_log(folder / "log", self.rows, f"v-1-1-{self._files:06d}")
        self.rows.clear()
        write_purchases(folder / "tables", self.bought)

    def _request(self) -> None:
        self._number += 1
        shopper = self._number * 7919 % SHOPPERS
        traffic = read(self.cluster.record())
        is_canary = traffic.canary is not None and zlib.crc32(f"s{shopper}".encode()) % 100 < traffic.percent
        served = traffic.canary if is_canary else traffic.stable
        assert served is not None
        version, behaviour = served.name, self.versions[served.name]
        at = self._number * 0.6180339887 % 1  # evenly spread, so that a share is kept in every stretch
        count = self.prometheus.counters
        if at < behaviour.lost:
            cluster = f"httproute/{self.cluster.namespace}/aisle/rule/0/backend/{int(is_canary)}"
            count[
                series("envoy_cluster_upstream_rq_xx", envoy_cluster_name=cluster, envoy_response_code_class="5")
            ] += 1
            return
        for share, outcome in ((behaviour.refused, "bad_request"), (behaviour.failed, "error")):
            if at < share:
                count[series("aisle_requests_total", version=version, outcome=outcome, rung="")] += 1
                return
        count[series("aisle_requests_total", version=version, outcome="ok", rung="full")] += 1
        if at < behaviour.broken:
            count[series("aisle_contract_violations_total", version=version, kind="short")] += 1
        took_s = 2.0 if at < behaviour.slow else 0.02
        for edge in EDGES:
            count[series("aisle_request_seconds_bucket", version=version, le=edge)] += took_s <= float(edge)
        if self.folder is not None:
            self._logged(shopper, version, behaviour)

    def _logged(self, shopper: int, version: str, behaviour: Behaviour) -> None:
        first = 0 if behaviour.alike else shopper
        items = [f"i{(first * 3 + n) % ITEMS}" for n in range(2)]
        hour = (self.now_s - BEGAN_S) / HOUR_S
        self.rows.append(row(f"s{shopper}", version, hour, items, request_id=f"r{self._number}"))
        chance = zlib.crc32(f"{shopper} {self._number}".encode()) % 1000 / 1000
        self.bought.append((f"s{shopper}", hour + 0.2, items[0] if chance < behaviour.bought else "bread"))

    def behaves(self, canary: Behaviour, **changes: Mapping[str, Behaviour]) -> None:
        self.versions[NEW.name] = canary
