"""The three places a rollout can be at, through one port: a run on this machine, KServe's service in both modes.

Whatever happens to it, every surface that names the stable, canary and previous version names the same.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from components.inference_service.shift import put
from components.inference_service.traffic import Traffic, Version, with_canary
from components.rollout.decision.states import Command, State
from components.rollout.kserve.cluster_rollout import ClusterTraffic
from components.rollout.local.envoy_config import routes
from components.rollout.local.envoy_process import rds_file
from components.rollout.traffic_adapter import RolloutStatus, TrafficAdapter
from model.errors import InputError
from model.files import read_json, write_json
from model.package.manifest import write_manifest
from model.registry.model_registry import Registry
from model.registry.roles import Roles
from pipelines.cli import main
from pipelines.commands import rollout as rollout_commands
from pipelines.explore import views
from pipelines.local.rollout_operator import RunTraffic
from pipelines.local.run_directory import Paths
from tests.components.inference_service.fake_cluster import Clock, FakeCluster
from tests.components.rollout.decision.weekly import weekly_trips
from tests.model.serving.fake_server import write_model
from tfx_configs.rollout import RolloutSettings
from tfx_configs.settings import RunSettings

SETTINGS = RunSettings(rollout=RolloutSettings(percents=(10, 100)))


HOLD, RESUME, PROMOTE, ROLLBACK = Command
PLACES = ["run", "Standard", "Knative"]


@pytest.fixture(params=PLACES)
def adapter(request: pytest.FixtureRequest, tmp_path: Path) -> TrafficAdapter:
    """A canary that runs at 10 %."""
    return _run(tmp_path) if request.param == "run" else _cluster(request.param, *NAMES)


NAMES = ("2020-01-01-1111", "2020-01-02-2222")


def _registry(folder: Path) -> tuple[Registry, tuple[str, str]]:
    """A registry with two models, the first stable and the second canary."""
    registry, versions = Registry(folder / "run" / "registry"), []
    for name in ("one", "two"):
        directory = write_model(folder / name, name)
        write_manifest(directory, kind="fake", cut_s=0, items=0, retrieved=0, ranked=0, index={})
        versions.append(registry.add(directory))
    registry.set_stable(versions[0])
    registry.set_canary(versions[1])
    return registry, (versions[0], versions[1])


def _run(folder: Path) -> RunTraffic:
    paths = Paths(out=folder / "run")
    weekly_trips().save(folder / "examples" / "trips")
    write_json(paths.request, {"arguments": {"settings": SETTINGS.to_json()}})
    write_json(paths.result, {"examples": str(folder / "examples")})
    _registry(folder)
    traffic = RunTraffic(run=paths.out)
    traffic.declare(None, "maria")
    return traffic


def _cluster(mode: str, stable: str, canary: str) -> ClusterTraffic:
    old, new = (Version(name=name, uri=f"s3://models/{name}") for name in (stable, canary))
    cluster, clock = FakeCluster(mode), Clock()
    put(cluster, Traffic(stable=old))
    put(cluster, with_canary(Traffic(stable=old), new, 10))
    cluster.service()
    return ClusterTraffic(cluster=cluster, patience=clock.patience())


def _after(adapter: TrafficAdapter, *orders: Command) -> tuple[RolloutStatus, RolloutStatus]:
    """(before, after) of these commands."""
    before = adapter.status()
    for order in orders:
        status = adapter.command(order, "maria")
        assert status == adapter.status()
    return before, adapter.status()


def test_it_begins_at_its_first_share(adapter: TrafficAdapter) -> None:
    status = adapter.status()
    roles = status.roles
    assert (status.percent, status.state, roles.previous) == (10, State.RUNNING, None)
    assert roles.stable is not None and roles.canary is not None and roles.stable != roles.canary
    assert status.line() == f"stable {roles.stable}  canary {roles.canary}  running at 10 %"


ENDS: dict[tuple[Command, ...], tuple[State, int, Callable[[Roles[str]], Roles[str]]]] = {
    (): (State.RUNNING, 10, lambda roles: roles),
    (HOLD,): (State.HELD, 10, lambda roles: roles),
    (HOLD, RESUME): (State.RUNNING, 10, lambda roles: roles),
    (PROMOTE,): (State.PROMOTED, 0, Roles.promote),
    (HOLD, PROMOTE): (State.PROMOTED, 0, Roles.promote),
    (ROLLBACK,): (State.ROLLED_BACK, 0, Roles.roll_back),
    (HOLD, ROLLBACK): (State.ROLLED_BACK, 0, Roles.roll_back),
    (PROMOTE, ROLLBACK): (State.ROLLED_BACK, 0, lambda roles: roles.promote().revert()),
}
"""Commands: state, the canary's share and the roles after them."""


@dataclass
class Surfaces:
    """Everything that shows the roles of one rollout."""

    adapter: TrafficAdapter
    registry: Registry
    shown: Callable[[], dict[str, Roles[str]]]


def _surfaces(place: str, folder: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> Surfaces:
    run: TrafficAdapter
    if place == "run":
        run = _run(folder)
        registry = Registry(folder / "run" / "registry")
        arguments = ["--run", str(folder / "run")]
    else:
        registry, names = _registry(folder)
        run = _cluster(place, *names)
        monkeypatch.setattr(rollout_commands, "_adapter", lambda *_: run)
        arguments = ["--namespace", "aisle"]

    def shown() -> dict[str, Roles[str]]:
        capsys.readouterr()
        assert main(["rollout", "status", *arguments]) == 0
        words = re.findall(r"(stable|canary|previous) (\S+)", capsys.readouterr().out.splitlines()[0])
        if isinstance(run, ClusterTraffic):
            registry.follow(run.cluster.roles())
            other = Roles(**{role: version.name for role, version in run.record().traffic.by_name().items()})
        else:
            other = views.rollout(folder / "run")["status"].roles
        state = registry.state()
        return {
            "adapter": run.status().roles,
            "aisle rollout status": Roles(**dict(words)),
            "registry": Roles(**state.by_name()),
            "explorer, or the service's record": Roles(**other.by_name()),
        }

    return Surfaces(run, registry, shown)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("orders", ENDS, ids=lambda orders: " ".join(orders) or "start")
def test_after_every_transition_every_surface_names_the_same_versions(
    orders: tuple[Command, ...],
    place: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    surfaces = _surfaces(place, tmp_path, capsys, monkeypatch)
    before, after = _after(surfaces.adapter, *orders)
    state, percent, transition = ENDS[orders]
    expected = transition(Roles(**before.roles.by_name()))
    assert (after.state, after.percent) == (state, percent)
    for surface, roles in surfaces.shown().items():
        assert roles.by_name() == expected.by_name(), surface


@pytest.mark.parametrize("orders", [(RESUME,), (ROLLBACK, PROMOTE), (PROMOTE, HOLD)])
def test_what_the_state_does_not_allow_is_refused_and_changes_nothing(
    adapter: TrafficAdapter, orders: tuple[Command, ...]
) -> None:
    _, status = _after(adapter, *orders[:-1])
    with pytest.raises(InputError):
        adapter.command(orders[-1], "maria")
    assert adapter.status() == status


def test_a_command_on_a_run_reaches_the_weights_of_a_running_envoy(tmp_path: Path) -> None:
    adapter = _run(tmp_path)
    weights = rds_file(tmp_path / "run" / "rollout")
    write_json(weights, routes(10, "1-10"))
    adapter.command(ROLLBACK, "maria")
    (resource,) = read_json(weights)["resources"]
    shares = [
        {cluster["name"]: cluster["weight"] for cluster in route["route"]["weighted_clusters"]["clusters"]}
        for route in resource["virtual_hosts"][0]["routes"]
        if "weighted_clusters" in route["route"]
    ]
    assert all(weight == 0 for share in shares for name, weight in share.items() if name.startswith("canary"))
