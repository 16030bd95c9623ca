"""What `aisle rollout` does on this machine: an operator's commands, and one step of the machine, on a run's registry.

The record is {run}/rollout/rollout.json, the roles are in {run}/registry. A running Envoy reads its weights from a file
beside the record, so that a command takes effect within milliseconds, also in the middle of a step.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path

from components.artifacts.examples import Examples
from components.rollout.decision.state_machine import RolloutState, command
from components.rollout.decision.states import Command, State
from components.rollout.local.envoy_config import routes
from components.rollout.local.envoy_process import rds_file
from components.rollout.local.processes import SERVER_MODULE
from components.rollout.local.rollout import LocalRollout, new_record
from components.rollout.local.trip_traffic import check_trips, seed_store
from components.rollout.rollout_record import Progress, RolloutRecord, RolloutResult, begin, change
from components.rollout.traffic_adapter import RolloutStatus
from model.data.trips import Trips
from model.errors import InputError, ModelRefused
from model.files import write_json
from model.package.manifest import read_manifest
from model.registry.model_registry import Registry
from pipelines.local.run_directory import Paths, RunOutputs, alone, settings_of
from tfx_configs.settings import RunSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunTraffic:
    """components.rollout.traffic_adapter.TrafficAdapter of a run on this machine."""

    run: Path

    @property
    def paths(self) -> Paths:
        return Paths(out=self.run.resolve())

    @property
    def registry(self) -> Registry:
        return Registry(self.paths.registry)

    def record(self) -> RolloutRecord:
        """Raises InputError when there is none."""
        return RolloutRecord.load(self.paths.rollout)

    def status(self) -> RolloutStatus:
        record, roles = self.record(), self.registry.state()
        share = record.percent if roles.canary == record.candidate else 0
        return RolloutStatus(roles=roles, percent=share, state=record.state)

    def declare(self, version: str | None, operator: str) -> RolloutStatus:
        """Begins the rollout of `version`, or of the canary that push declared; an active one is left as it is.

        Raises InputError without such a version, or while the rollout of another one is active.
        """
        registry = self.registry
        state, candidate = registry.state(), candidate_of(registry, version, self.run)
        if state.stable is None or candidate == state.stable:
            why = "there is no stable one" if state.stable is None else "it is the stable one"
            raise InputError(f"{candidate}: expected a version beside a stable one, {why}; name another with --version")
        settings, _ = finished_run(self.paths)
        try:
            record = self.record()
            active = record.candidate == candidate and record.state in (State.RUNNING, State.HELD)
        except InputError:
            active = False
        if not active:
            record = new_record(state.stable, candidate, settings).noting(f"canary declared by {operator}")
            begin(self.paths.rollout, record)
            registry.set_canary(candidate)
        return self.status()

    def command(self, order: Command, operator: str) -> RolloutStatus:
        """Carries out a command on the registry's roles, the weights and the record, at once and together."""
        registry, weights = self.registry, rds_file(self.paths.rollout)

        def move(record: RolloutRecord) -> RolloutRecord:
            after = command(RolloutState(percent=record.percent, state=record.state), order)
            if order == Command.PROMOTE:
                registry.promote()
            elif order == Command.ROLLBACK and record.state == State.PROMOTED:
                registry.revert()
            elif order == Command.ROLLBACK:
                registry.drop_canary()
            if weights.exists():
                write_json(weights, routes(after.percent, f"command-{record.generation}-{after.percent}"))
            return record.noting(f"{order} by {operator}", state=after.state, percent=after.percent)

        change(self.paths.rollout, move)
        return self.status()

    def step(
        self,
        on_progress: Callable[[Progress], None] = lambda _: None,
        server_module: str = SERVER_MODULE,
        on_load: Callable[[], None] = lambda: None,
    ) -> RolloutResult:
        """One step: replayed trips as traffic until the machine has decided; the registry follows its decision.

        Args:
            on_load: called when everything is there and the models are about to be loaded.

        Raises:
            InputError: no rollout is active, or no trips are left to replay.
            CheckFailed: an operator changed the rollout meanwhile; that change stays.
        """
        paths, registry = self.paths, self.registry
        self.record()  # before the lock, which is a file in what may be no run
        with alone(paths.out):
            record = self.record()
            if not record.state.active:
                raise InputError(f"rollout: expected a running one, it is {record.state.words}")
            canary = registry.state().canary
            if canary != record.candidate:
                raise InputError(f"rollout: expected canary {record.candidate} in the registry, it has {canary}")
            settings, trips = finished_run(paths)
            check_trips(trips)
            if record.next_trip >= len(trips.test_trips()):
                raise InputError("rollout: expected trips to replay, all were played; promote it or roll it back")
            if not paths.store.exists():
                seed_store(trips, paths.store, settings.features.max_history)
            on_load()
            rollout = LocalRollout(
                trips=trips,
                stable_dir=registry.path(record.stable_before),
                canary_dir=registry.path(record.candidate),
                settings=settings,
                workdir=paths.rollout,
                registry=registry,
                on_progress=on_progress,
                server_module=server_module,
            )
            return rollout.step(record)


def candidate_of(registry: Registry, version: str | None, run: Path) -> str:
    """`version`, or the canary that push declared. Raises InputError unless the registry has a model of that name."""
    candidate = version or registry.state().canary
    if candidate is None:
        raise InputError(f"{run}: expected a canary in the registry, got none; `aisle train` pushes one, or --version")
    try:
        stored = read_manifest(registry.path(candidate)).version
    except ModelRefused:
        stored = ""
    if stored != candidate:
        raise InputError(f"--version: expected a model in {registry.root / 'models'}, got {candidate}")
    return candidate


def finished_run(paths: Paths) -> tuple[RunSettings, Trips]:
    """Settings and trips of the pipeline that made the run. Raises InputError when none has finished there."""
    return settings_of(paths), Examples(RunOutputs.load(paths.out, paths.result)["examples"]).trips()
