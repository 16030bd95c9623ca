"""A rollout on this machine: a stable and a canary server, Envoy before them, the test span's trips as traffic.

Purchases follow each recommendation as events, so that a shopper's later trips are answered with them. The state
machine decides after each step; nothing outlives the call.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from components.rollout.decision.state_machine import start
from components.rollout.decision.states import State
from components.rollout.local.processes import REQUESTS, SERVER_MODULE
from components.rollout.local.rollout import Progress, RolloutLoop, RolloutResult
from components.rollout.local.two_versions import two_versions
from components.rollout.rollout_record import RolloutRecord, begin, change
from model.data.trips import Trips
from model.errors import CheckFailed, InputError
from model.registry.model_registry import Registry
from model.serving.history.lmdb_store import LmdbStore
from tfx_configs.settings import RunSettings

STORE = "store"
"""Live state of the servers, in the rollout's directory."""


@dataclass(frozen=True, kw_only=True)
class LocalRollout:
    """What is rolled out, and how.

    Leaves in `workdir`: the record, logs and request logs of the servers, Envoy's files. A step plays its share of
    `settings.replay_requests`, and more while the machine asks for more and trips are left.
    """

    trips: Trips
    stable_dir: Path
    canary_dir: Path
    settings: RunSettings
    workdir: Path
    registry: Registry | None = None
    """Its roles change when the rollout ends; None: there is none."""
    on_progress: Callable[[Progress], None] = lambda _: None
    server_module: str = SERVER_MODULE

    def run(self) -> RolloutResult:
        """Takes every step of `settings.rollout`, from the first.

        Raises:
            InputError: there are no test trips.
            StageFailed: a process does not start, or dies with none to answer in its place.
            CheckFailed: an operator changed the rollout meanwhile.
        """
        check_trips(self.trips)
        self.workdir.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.workdir / REQUESTS, ignore_errors=True)
        seed_store(self.trips, self.workdir / STORE, self.settings.features.max_history)
        record = begin(self.workdir, new_record(self.stable_dir.name, self.canary_dir.name, self.settings))
        with self.loop(record) as loop:
            return loop.run()

    @contextmanager
    def loop(self, record: RolloutRecord) -> Iterator[RolloutLoop]:
        """Both servers on the store in `workdir` and Envoy before them, until the block ends.

        An error that ends the block is recorded, unless an operator's change is that error, or the rollout had ended
        before.
        """
        try:
            with two_versions(
                stable_dir=self.stable_dir,
                canary_dir=self.canary_dir,
                store=self.workdir / STORE,
                workdir=self.workdir,
                max_history=self.settings.features.max_history,
                server_module=self.server_module,
            ) as versions:
                yield RolloutLoop(
                    self.trips,
                    versions,
                    self.settings,
                    workdir=self.workdir,
                    record=record,
                    on_progress=self.on_progress,
                    on_end=self._settle,
                )
        except CheckFailed:
            raise
        except BaseException as error:
            event = f"aborted: {type(error).__name__}: {error!s:.200}"
            change(self.workdir, lambda now: now.noting(event, state=State.ABORTED) if now.state.active else now)
            raise

    def _settle(self, state: State) -> None:
        if self.registry is not None and state == State.PROMOTED:
            self.registry.promote()
        elif self.registry is not None:
            self.registry.drop_canary()


def new_record(stable: str, candidate: str, settings: RunSettings) -> RolloutRecord:
    """A rollout that begins now, at the plan's first share."""
    percent = start(settings.rollout).percent
    record = RolloutRecord(stable_before=stable, candidate=candidate, percent=percent, started_s=time.time())
    return record.noting("started")


def check_trips(trips: Trips) -> None:
    """Raises InputError when there is no traffic to replay."""
    if len(trips.test_trips()) == 0:
        raise InputError("rollout: expected trips at or after the cut, got none; move the cut date back")


def seed_store(trips: Trips, directory: Path, max_history: int) -> Path:
    """A fresh store with every event before the cut. Returns `directory`."""
    shutil.rmtree(directory, ignore_errors=True)
    store = LmdbStore(directory, max_history)
    before = trips.kept_events(trips.cut_s)
    store.bulk_load(
        trips.user_ids,
        trips.item_ids,
        trips.event_user_E[before],
        trips.event_item_E[before],
        trips.event_time_E[before],
    )
    store.close()
    return directory
