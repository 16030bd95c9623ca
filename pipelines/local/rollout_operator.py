"""What `aisle rollout` does on this machine: an operator's hands, and one step of the machine, on a run's registry.

State is {run}/rollout/rollout.json beside {run}/registry. An Envoy that runs reads its weights from a file there, so
what an operator decides is in force within milliseconds, a step under way or not.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import cast

from components.rollout.decision.state_machine import Hand, RolloutState, StateName, by_hand
from components.rollout.local.envoy_config import routes
from components.rollout.local.envoy_process import rds_file
from components.rollout.local.status_file import UNDER_WAY, Status, begin, change, read_status
from components.rollout.traffic_adapter import Place
from model.data.trips import Trips
from model.errors import InputError, ModelRefused
from model.files import write_json
from model.package.manifest import read_manifest
from model.registry.model_registry import Registry
from pipelines.local.local_rollout import (
    SERVER_MODULE,
    Progress,
    RolloutResult,
    check_trips,
    new_status,
    seed_store,
    walking,
)
from pipelines.local.run_directory import Paths, RunOutputs, alone, settings_of
from tfx_configs.settings import RunSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunTraffic:
    """components.rollout.traffic_adapter.TrafficAdapter of a run on this machine."""

    run: Path

    def look(self) -> Place:
        paths = Paths(out=self.run.resolve())
        status, registry = read_status(paths.rollout), Registry(paths.registry).state()
        return Place(
            stable=registry.stable,
            canary=registry.canary,
            previous=registry.previous,
            percent=status.percent if registry.canary else 0,
            state=status.state,
        )

    def act(self, hand: Hand, who: str) -> Place:
        act(self.run, hand, who)
        return self.look()


def declare(run: Path, version: str | None, who: str) -> Status:
    """Begins the rollout of `version`, or of what push declared as canary; one that runs already is left as it is.

    Raises InputError without such a version, or while another one's rollout is under way.
    """
    paths = Paths(out=run.resolve())
    registry = Registry(paths.registry)
    state = registry.state()
    wanted = version or state.canary
    if wanted is None:
        raise InputError(f"{run}: expected a canary in the registry, got none; `aisle train` pushes one, or --version")
    in_registry(registry, wanted)
    if state.stable is None or wanted == state.stable:
        why = "there is no stable one" if state.stable is None else "it is the stable one"
        raise InputError(f"{wanted}: expected a version beside a stable one, {why}; name another with --version")
    settings, _ = finished_run(paths)
    try:
        now = read_status(paths.rollout)
    except InputError:
        now = None
    if now is not None and now.canary == wanted and now.state in ("running", "held"):
        return now
    status = new_status(state.stable, wanted, settings).noting(f"canary declared by {who}")
    status = begin(paths.rollout, dataclasses.replace(status, previous=state.previous))
    registry.set_canary(wanted)
    return status


def in_registry(registry: Registry, version: str) -> None:
    """Raises InputError unless the registry has a model of that name."""
    try:
        there = read_manifest(registry.path(version)).version
    except ModelRefused:
        there = None
    if there != version:
        raise InputError(f"--version: expected a model in {registry.root / 'models'}, got {version}")


def act(run: Path, hand: Hand, who: str) -> Status:
    """Hold, resume, promote or roll back by hand, at once; after a promotion, rollback brings back what was before.

    Raises InputError where the state does not allow it; nothing is done then.
    """
    paths = Paths(out=run.resolve())
    registry = Registry(paths.registry)

    def move(status: Status) -> Status:
        after = by_hand(_state(status), hand)
        changes: dict[str, str | None] = {}
        if hand == "promote":
            changes["previous"] = registry.promote().previous
        elif hand == "rollback" and status.state == "promoted":
            registry.revert()
        elif hand == "rollback":
            registry.drop_canary()
        if rds_file(paths.rollout).exists():
            write_json(rds_file(paths.rollout), routes(after.percent, f"by-hand-{status.generation}-{after.percent}"))
        return status.noting(f"{hand} by {who}", state=after.state, percent=after.percent, **changes)

    return change(paths.rollout, move)


def step(
    run: Path,
    on_progress: Callable[[Progress], None] = lambda _: None,
    server_module: str = SERVER_MODULE,
    on_load: Callable[[], None] = lambda: None,
) -> RolloutResult:
    """One step: replayed trips as traffic until the machine has decided; the registry follows its decision.

    Args:
        on_load: called when everything is there and the models are about to be loaded.

    Raises:
        InputError: no rollout is under way, or no trips are left to replay.
        CheckFailed: an operator came in between; what they did stays.
    """
    paths = Paths(out=run.resolve())
    read_status(paths.rollout)  # before the lock, which is a file in what may be no run
    with alone(paths.out):
        status = read_status(paths.rollout)
        if status.state not in UNDER_WAY:
            raise InputError(f"rollout: expected a running one, it is {status.state.replace('_', ' ')}")
        registry = Registry(paths.registry)
        if registry.state().canary != status.canary:
            raise InputError(
                f"rollout: expected canary {status.canary} in the registry, it has {registry.state().canary}"
            )
        settings, trips = finished_run(paths)
        check_trips(trips)
        if status.next_trip >= len(trips.test_trips()):
            raise InputError("rollout: expected trips to replay, all were played; promote or roll back by hand")
        if not paths.store.exists():
            seed_store(trips, paths.store, settings.features.max_history)
        models = (registry.path(status.stable), registry.path(status.canary))
        settle = {"promoted": registry.promote, "rolled_back": registry.drop_canary}
        on_load()
        with walking(
            trips,
            *models,
            settings,
            paths.rollout,
            status,
            on_progress,
            server_module,
            on_end=lambda state: settle[state](),
        ) as (walk, _):
            return walk.one()


def _state(status: Status) -> RolloutState:
    """An aborted rollout is one that runs and waits for its next step."""
    name = "running" if status.state == "aborted" else status.state
    return RolloutState(percent=status.percent, state=cast(StateName, name))


def finished_run(paths: Paths) -> tuple[RunSettings, Trips]:
    """Settings and trips of the pipeline that made the run. Raises InputError when none has finished there."""
    return settings_of(paths), Trips.load(RunOutputs.load(paths.out, paths.result)["examples"] / "trips")
