"""The three places a rollout can be at, through one port: a run on this machine, KServe's service in both modes."""

from pathlib import Path

import pytest

from components.inference_service.shift import put
from components.inference_service.traffic import Traffic, Version, with_canary
from components.rollout.decision.state_machine import Hand
from components.rollout.kserve.cluster_rollout import ClusterTraffic
from components.rollout.local.envoy_config import routes
from components.rollout.local.envoy_process import rds_file
from components.rollout.traffic_adapter import Place, TrafficAdapter
from model.errors import InputError
from model.files import read_json, write_json
from model.package.manifest import write_manifest
from model.registry.model_registry import Registry
from pipelines.local.rollout_operator import RunTraffic, declare
from pipelines.local.run_directory import Paths
from tests.components.inference_service.fake_cluster import Clock, FakeCluster
from tests.components.rollout.decision.weekly import weekly_trips
from tests.model.serving.fake_server import write_model
from tfx_configs.settings import RolloutSettings, RunSettings

SETTINGS = RunSettings(rollout=RolloutSettings(percents=(10, 100)))


@pytest.fixture(params=["run", "Standard", "Knative"])
def adapter(request: pytest.FixtureRequest, tmp_path: Path) -> TrafficAdapter:
    """A canary that runs at 10 %."""
    return _run(tmp_path) if request.param == "run" else _cluster(request.param)


def _run(folder: Path) -> TrafficAdapter:
    paths = Paths(out=folder / "run")
    weekly_trips().save(folder / "examples" / "trips")
    write_json(paths.request, {"arguments": {"settings": SETTINGS.to_json()}})
    write_json(paths.result, {"examples": str(folder / "examples")})
    registry, versions = Registry(paths.registry), []
    for name in ("one", "two"):
        directory = write_model(folder / name, name)
        write_manifest(directory, kind="fake", cut_s=0, items=0, retrieved=0, ranked=0, index={})
        versions.append(registry.add(directory))
    registry.set_stable(versions[0])
    registry.set_canary(versions[1])
    declare(paths.out, None, "maria")
    return RunTraffic(run=paths.out)


def _cluster(mode: str) -> TrafficAdapter:
    old, new = (Version(name=f"2020-01-0{n}-{n}{n}{n}{n}", uri=f"s3://models/{n}") for n in (1, 2))
    cluster, clock = FakeCluster(mode), Clock()
    put(cluster, Traffic(stable=old))
    put(cluster, with_canary(Traffic(stable=old), new, 10))
    cluster.service()
    return ClusterTraffic(cluster=cluster, patience=clock.patience())


def _after(adapter: TrafficAdapter, *hands: Hand) -> tuple[Place, Place]:
    """(before, after) of these hands."""
    before = adapter.look()
    for hand in hands:
        found = adapter.act(hand, "maria")
        assert found == adapter.look()
    return before, adapter.look()


def test_it_stands_at_its_first_share(adapter: TrafficAdapter) -> None:
    place = adapter.look()
    assert (place.percent, place.state, place.previous) == (10, "running", None)
    assert place.stable is not None and place.canary is not None and place.stable != place.canary
    assert place.line() == f"stable {place.stable}  canary {place.canary}  running at 10 %"


def test_a_promotion_makes_the_canary_stable_and_keeps_the_previous_version(adapter: TrafficAdapter) -> None:
    before, after = _after(adapter, "promote")
    assert after.stable == before.canary
    assert (after.canary, after.previous, after.state) == (None, before.stable, "promoted")


def test_a_rollback_takes_the_canary_away(adapter: TrafficAdapter) -> None:
    before, after = _after(adapter, "rollback")
    assert (after.stable, after.canary, after.percent, after.state) == (before.stable, None, 0, "rolled_back")


def test_a_rollback_after_a_promotion_brings_back_what_was_before(adapter: TrafficAdapter) -> None:
    before, after = _after(adapter, "promote", "rollback")
    assert (after.stable, after.canary, after.state) == (before.stable, None, "rolled_back")
    assert after.previous == before.canary


def test_a_hold_keeps_the_share_until_resume(adapter: TrafficAdapter) -> None:
    before, held = _after(adapter, "hold")
    assert (held.percent, held.state) == (10, "held")
    assert _after(adapter, "resume")[1] == before


@pytest.mark.parametrize("hands", [("resume",), ("rollback", "promote"), ("promote", "hold")])
def test_what_the_state_does_not_allow_is_refused_and_changes_nothing(
    adapter: TrafficAdapter, hands: tuple[Hand, ...]
) -> None:
    _, place = _after(adapter, *hands[:-1])
    with pytest.raises(InputError):
        adapter.act(hands[-1], "maria")
    assert adapter.look() == place


def test_a_hand_on_a_run_reaches_the_weights_of_a_running_envoy(tmp_path: Path) -> None:
    adapter = _run(tmp_path)
    weights = rds_file(tmp_path / "run" / "rollout")
    write_json(weights, routes(10, "1-10"))
    adapter.act("rollback", "maria")
    (resource,) = read_json(weights)["resources"]
    shares = [
        {cluster["name"]: cluster["weight"] for cluster in route["route"]["weighted_clusters"]["clusters"]}
        for route in resource["virtual_hosts"][0]["routes"]
        if "weighted_clusters" in route["route"]
    ]
    assert all(weight == 0 for share in shares for name, weight in share.items() if name.startswith("canary"))
