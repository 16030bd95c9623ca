"""A rollout on this machine: a stable and a canary server, Envoy before them, the test span's trips as traffic.

Purchases follow each recommendation as events, so that a shopper's later trips are answered with them. The state
machine decides after each step; nothing outlives the call.
"""

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from components.rollout.front import front
from components.rollout.processes import SERVER_MODULE, model_server, wait_ready
from components.rollout.status import Status, write_status
from components.rollout.traffic import Client
from components.rollout.walk import Progress, RolloutResult, Walk
from model.errors import InputError
from model.serving.lmdb_store import LmdbStore
from model.trips import Trips
from tfx_configs.settings import RunSettings

__all__ = ["Progress", "RolloutResult", "run_rollout", "seed_store"]


def run_rollout(
    trips: Trips,
    stable_dir: Path,
    canary_dir: Path,
    settings: RunSettings,
    workdir: Path,
    on_progress: Callable[[Progress], None] = lambda _: None,
    server_module: str = SERVER_MODULE,
) -> RolloutResult:
    """Walks the plan of `settings.rollout` from `stable_dir` to `canary_dir` and says how it ended.

    A step plays its share of `settings.replay_requests`, and more while the machine asks for more and trips are left.
    Leaves in `workdir`: rollout.json (the status), logs and request logs of the servers, Envoy's files. Raises
    InputError without test trips, StageFailed when a process does not start or dies with nobody to stand in.
    """
    if len(trips.test_trips()) == 0:
        raise InputError("rollout: expected trips at or after the cut, got none; move the cut date back")
    workdir.mkdir(parents=True, exist_ok=True)
    for old in workdir.glob("*.requests.jsonl"):
        old.unlink()
    store = seed_store(trips, workdir / "store", settings.features.max_history)
    status = Status(stable=stable_dir.name, canary=canary_dir.name, percent=0, state="running").noting("started")
    write_status(workdir, status)
    try:
        with ExitStack() as stack:
            history = settings.features.max_history
            servers = [
                stack.enter_context(model_server(name, directory, store, workdir, history, server_module))
                for name, directory in (("stable", stable_dir), ("canary", canary_dir))
            ]
            for process, backend in servers:
                wait_ready(process, backend)
            door = stack.enter_context(front(servers[0][1], servers[1][1], workdir))
            client = stack.enter_context(Client(door.port))
            walk = Walk(trips, client, door, settings, workdir, status, on_progress)
            return walk.run([process for process, _ in servers])
    except BaseException as error:
        write_status(workdir, status.noting(f"aborted: {type(error).__name__}: {error!s:.200}", state="aborted"))
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
