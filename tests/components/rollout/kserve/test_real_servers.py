"""A cluster's evidence from real servers, a real Envoy and a real Prometheus; only the API server is in memory."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.inference_service.shift import put
from components.inference_service.traffic import Traffic, with_canary
from components.rollout.decision.evidence import Evidence
from components.rollout.decision.states import State
from components.rollout.kserve.cluster_rollout import PLAN, ClusterTraffic
from components.rollout.kserve.observers import Moment, gateway
from components.rollout.kserve.prometheus import prometheus
from components.rollout.local.envoy_process import TwoVersions, two_versions
from components.rollout.local.processes import free_port, get, running, wait_until
from model.system.programs import find_program
from tests.components.inference_service.fake_cluster import Clock
from tests.components.inference_service.test_traffic import NEW, OLD
from tests.components.rollout.kserve.test_cluster_rollout import VersionedCluster
from tests.model.serving.fake_server import write_model

pytestmark = pytest.mark.needs("prometheus")

QUICK = PLAN.replace(min_hours=0.0, min_outcome_ratio=0.0, min_canary_requests=40, p99_floor_ms=2000.0)
CLUSTERS = {"stable_first": 0, "canary_first": 1}
"""Clusters of the laptop's Envoy, and which backend of a route that KServe writes has their place."""
ITEMS = [f"item-{n}" for n in range(40)]


def _scraping(versions: TwoVersions) -> dict[str, Any]:
    """Prometheus' settings: the servers as the PodMonitor labels them, Envoy as its gateway."""
    servers = [
        {"targets": [f"127.0.0.1:{backend.http_port}"], "labels": {"namespace": "aisle", "pod": f"aisle-{n}"}}
        for n, (_, backend) in enumerate(versions.servers)
    ]
    renamed = [
        {
            "source_labels": ["envoy_cluster_name"],
            "regex": cluster,
            "target_label": "envoy_cluster_name",
            "replacement": f"httproute/aisle/aisle/rule/0/backend/{place}",
        }
        for cluster, place in CLUSTERS.items()
    ]
    envoy = {
        "job_name": "envoy",
        "metrics_path": "/stats/prometheus",
        "static_configs": [{"targets": [f"127.0.0.1:{versions.proxy.admin_port}"]}],
        "metric_relabel_configs": renamed,
    }
    return {
        "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms"},
        "scrape_configs": [{"job_name": "servers", "static_configs": servers}, envoy],
    }


@contextmanager
def _prometheus(versions: TwoVersions, workdir: Path) -> Iterator[str]:
    """Its URL."""
    workdir.mkdir()
    (workdir / "prometheus.yaml").write_text(yaml.safe_dump(_scraping(versions)))
    port, program = free_port(), find_program("prometheus")
    assert program is not None
    command = [program, f"--config.file={workdir / 'prometheus.yaml'}", f"--storage.tsdb.path={workdir / 'data'}"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]
    with running("prometheus", command, workdir / "prometheus.log") as process:
        wait_until(lambda: get(port, "/-/ready")[0] == 200, process, "ready", 30)
        yield f"http://127.0.0.1:{port}"


class _World:
    """Both servers at half and half, and the rollout that evaluates them."""

    def __init__(self, versions: TwoVersions, url: str) -> None:
        self.versions, self.query = versions, prometheus(url)
        cluster = VersionedCluster("Standard")
        put(cluster, Traffic(stable=OLD))
        put(cluster, with_canary(Traffic(stable=OLD), NEW, 50))
        self.evidence: list[Evidence] = []
        observers = (gateway(self.query), self._noted)
        self.traffic = ClusterTraffic(cluster=cluster, patience=Clock().patience(), observers=observers)
        versions.proxy.set_percent(50)
        for process, _ in versions.servers:
            wait_until(lambda: sum(value for _, value in self.query("up")) == 3, process, "scraped", 30)
        time.sleep(1.2)  # counters are scraped before they count
        cluster.service()
        self.traffic.step(QUICK, self.query, time.time() - 60)

    def _noted(self, _: Moment, evidence: Evidence) -> Evidence:
        self.evidence.append(evidence)
        return evidence

    def ask(self, count: int) -> list[int]:
        """Statuses of as many requests, each of another shopper."""
        client = self.versions.client
        statuses = [client.recommend(f"shopper-{n}", 10**9, "s", 10, f"r{n}").status for n in range(count)]
        time.sleep(1.2)
        return statuses

    def step(self) -> Any:
        self.traffic.cluster.service()
        return self.traffic.step(QUICK, self.query, time.time())


@contextmanager
def _world(tmp_path: Path, **canary: Any) -> Iterator[_World]:
    fields: dict[str, Any] = {"items": ITEMS, "closed": True}
    stable_dir = write_model(tmp_path / "stable", OLD.name, **fields)
    canary_dir = write_model(tmp_path / "canary", NEW.name, **fields | canary)
    with (
        two_versions(
            stable_dir=stable_dir,
            canary_dir=canary_dir,
            workdir=tmp_path / "work",
            max_history=100,
            server_module="tests.components.rollout.scene_server",
        ) as versions,
        _prometheus(versions, tmp_path / "prometheus") as url,
    ):
        yield _World(versions, url)


def test_a_good_canary_steps_and_every_figure_is_there(tmp_path: Path) -> None:
    with _world(tmp_path) as world:
        assert set(world.ask(200)) == {200}
        assert world.step().action == "step"
        canary, stable = world.evidence[-1].canary, world.evidence[-1].stable
        assert 60 < canary.requests < 140
        assert 180 <= canary.requests + stable.requests <= 240  # Prometheus extrapolates to the window's edges
        assert (canary.errors, canary.refused, canary.violations, canary.fallbacks) == (0, 0, 0, 0)
        assert canary.recent_requests > 0 and canary.recent_failures == 0
        assert 0 < canary.p99_ms < 2000
        assert min(canary.memory_mb, stable.memory_mb) > 50 and canary.memory_mb < 2 * stable.memory_mb


def test_garbage_is_rolled_back_by_the_contract(tmp_path: Path) -> None:
    """Its kinds: tests/components/rollout/local/test_rollout.py."""
    with _world(tmp_path, garbage="empty") as world:
        assert set(world.ask(120)) == {200}
        decision = world.step()
        assert (decision.action, world.traffic.record().state) == ("rollback", State.ROLLED_BACK)
        assert decision.reasons[0].startswith("errors: ") and "broke the contract" in decision.reasons[0]
        canary = world.evidence[-1].canary
        assert canary.violations == pytest.approx(canary.requests, abs=3)


def test_a_canary_that_refuses_what_stable_takes_is_rolled_back(tmp_path: Path) -> None:
    with _world(tmp_path, refuses=True) as world:
        assert set(world.ask(120)) == {200, 400}
        decision = world.step()
        assert decision.action == "rollback"
        assert {reason.partition(":")[0] for reason in decision.reasons} >= {"recent", "refused"}


def test_a_canary_whose_server_dies_under_requests_is_counted_by_the_gateway(tmp_path: Path) -> None:
    with _world(tmp_path) as world:
        world.ask(60)
        world.versions.servers[1][0].kill()
        assert set(world.ask(120)) == {200}  # stable answers in its place
        decision = world.step()
        assert decision.action == "rollback"
        assert world.evidence[-1].canary.errors > 0
