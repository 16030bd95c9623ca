"""A rollout on this machine: a stable and a canary server, Envoy before them, the test span's trips as traffic.

Purchases follow each recommendation as events, so that a shopper's later trips are answered with them. The state
machine decides after each step; nothing outlives the call.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from components.rollout.decision.state_machine import start
from components.rollout.local.envoy_process import front
from components.rollout.local.processes import REQUESTS, SERVER_MODULE, Server, model_server, wait_ready
from components.rollout.local.rollout import Progress, RolloutResult, Walk
from components.rollout.local.status_file import UNDER_WAY, Status, begin, change
from components.rollout.local.v2_client import Client
from model.data.trips import Trips
from model.errors import CheckFailed, InputError
from model.serving.history.lmdb_store import LmdbStore
from tfx_configs.settings import RunSettings

STORE = "store"
"""Live state of the servers, in the rollout's directory."""

__all__ = ["Progress", "RolloutResult", "run_rollout", "seed_store"]


def run_rollout(
    trips: Trips,
    stable_dir: Path,
    canary_dir: Path,
    settings: RunSettings,
    workdir: Path,
    on_progress: Callable[[Progress], None] = lambda _: None,
    server_module: str = SERVER_MODULE,
    on_end: Callable[[str], object] = lambda _: None,
) -> RolloutResult:
    """Walks the plan of `settings.rollout` from `stable_dir` to `canary_dir` and says how it ended.

    A step plays its share of `settings.replay_requests`, and more while the machine asks for more and trips are left.
    Leaves in `workdir`: rollout.json (the status), logs and request logs of the servers, Envoy's files. Raises
    InputError without test trips, StageFailed when a process does not start or dies with nobody to stand in,
    CheckFailed when an operator changes the rollout under way. `on_end` as `walking`.
    """
    check_trips(trips)
    workdir.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(workdir / REQUESTS, ignore_errors=True)
    seed_store(trips, workdir / STORE, settings.features.max_history)
    status = begin(workdir, new_status(stable_dir.name, canary_dir.name, settings))
    with walking(trips, stable_dir, canary_dir, settings, workdir, status, on_progress, server_module, on_end) as found:
        walk, servers = found
        return walk.run(servers)


def new_status(stable: str, canary: str, settings: RunSettings) -> Status:
    """A rollout that begins now, at the plan's first share."""
    percent = start(settings.rollout).percent
    status = Status(stable=stable, canary=canary, percent=percent, state="running", started_s=time.time())
    return status.noting("started")


def check_trips(trips: Trips) -> None:
    """Raises InputError when there is no traffic to replay."""
    if len(trips.test_trips()) == 0:
        raise InputError("rollout: expected trips at or after the cut, got none; move the cut date back")


@contextmanager
def walking(
    trips: Trips,
    stable_dir: Path,
    canary_dir: Path,
    settings: RunSettings,
    workdir: Path,
    status: Status,
    on_progress: Callable[[Progress], None] = lambda _: None,
    server_module: str = SERVER_MODULE,
    on_end: Callable[[str], object] = lambda _: None,
) -> Iterator[tuple[Walk, list[Server]]]:
    """Both servers on the store in `workdir` and Envoy before them, for as long as the block lasts.

    An error that ends the block is written into the status, unless an operator's change is that error, or the rollout
    had ended before.

    on_end: told `promoted` or `rolled_back` while that is written down, so that both happen or neither.
    """
    try:
        with ExitStack() as stack:
            history = settings.features.max_history
            servers = [
                stack.enter_context(model_server(name, directory, workdir / STORE, workdir, history, server_module))
                for name, directory in (("stable", stable_dir), ("canary", canary_dir))
            ]
            for process, backend in servers:
                wait_ready(process, backend)
            door = stack.enter_context(front(servers[0][1], servers[1][1], workdir))
            client = stack.enter_context(Client(door.port))
            walk = Walk(trips, client, door, settings, workdir, status, on_progress, on_end)
            yield walk, servers
    except CheckFailed:
        raise
    except BaseException as error:
        told = f"aborted: {type(error).__name__}: {error!s:.200}"
        change(workdir, lambda now: now.noting(told, state="aborted") if now.state in UNDER_WAY else now)
        raise


def seed_store(trips: Trips, directory: Path, max_history: int) -> Path:
    """A fresh store with every event before the cut. Returns `directory`."""
    shutil.rmtree(directory, ignore_errors=True)
    store = LmdbStore(directory, max_history)
    known = trips.kept_events(trips.cut_s)
    store.bulk_load(
        trips.user_ids,
        trips.item_ids,
        trips.event_user_E[known],
        trips.event_item_E[known],
        trips.event_time_E[known],
    )
    store.close()
    return directory
