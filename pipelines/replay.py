"""A rollout on this machine: real trips of the test span as traffic, through Envoy, to a stable and a canary server.

Each trip is one recommendation asked for as of its moment, then its purchases as events, so that later trips of the
shopper are answered with them. The state machine decides after each step; nothing outlives the call.
"""

import dataclasses
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from components.rollout.evidence import gather
from components.rollout.front import Front, front
from components.rollout.machine import Decision, Evidence, RolloutState, apply, decide, start
from components.rollout.processes import SERVER_MODULE, Process, model_server, wait_ready
from components.rollout.split import split_p_value
from components.rollout.status import Status, write_status
from components.rollout.traffic import Client, Reply
from model.errors import InputError
from model.serving.store import LmdbStore
from model.trips import Trips
from tfx_configs.settings import RunSettings

K = 10
MEASURED_REQUESTS = 400
"""Requests of the closing latency and CPU measurement: one client, no events in between."""
PROGRESS_EVERY = 20


@dataclasses.dataclass(frozen=True, kw_only=True)
class Progress:
    """Told to `on_progress` every few requests; `planned` grows when a step needs more traffic."""

    percent: int
    requests: int
    planned: int
    failed: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class RolloutResult:
    """What happened; `dataclasses.asdict` of it is JSON."""

    final_state: str
    """promoted, rolled_back or held"""
    steps: list[dict[str, Any]]
    failed_requests: int
    """Recommendations without a 200 over the whole replay."""
    failed_events: int
    """Baskets that were not accepted."""
    serving: dict[str, float]
    """p50_ms, p99_ms, rps, cpu_ms_per_request: one client through Envoy; CPU of the model servers alone."""


class Replay:
    """The test trips in time order, each played once."""

    def __init__(self, trips: Trips, client: Client, on_request: Callable[[Reply], None]) -> None:
        self._trips = trips
        self._client = client
        self._on_request = on_request
        self._order = trips.test_trips()
        self._next = 0
        self.failed_events = 0

    def play(self, count: int) -> list[Reply]:
        """The next `count` trips (fewer at the end): ask, count the hits, then send the purchases."""
        batch = self._order[self._next : self._next + count]
        self._next += len(batch)
        return [self._play(int(trip)) for trip in batch]

    def ask(self, trip: int, request_id: str) -> Reply:
        """The recommendation alone, as of the trip's moment."""
        trips = self._trips
        return self._client.recommend(
            user_id=str(trips.user_ids[trips.user_T[trip]]),
            time_s=int(trips.time_T[trip]),
            store_id=str(trips.store_ids[trips.store_T[trip]]),
            k=K,
            request_id=request_id,
        )

    def _play(self, trip: int) -> Reply:
        basket = [str(item) for item in self._trips.item_ids[self._trips.basket(trip)]]
        reply = self.ask(trip, f"replay-{trip}")
        reply = dataclasses.replace(reply, hits=len(set(reply.item_ids) & set(basket)))
        time_s = int(self._trips.time_T[trip])
        if not self._client.purchases(reply.user_id, time_s, basket, f"trip-{trip}"):
            self.failed_events += 1
        self._on_request(reply)
        return reply


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
            walk = _Walk(trips, client, door, settings, workdir, status, on_progress)
            return walk.run([process for process, _ in servers])
    except BaseException as error:
        write_status(workdir, status.noting(f"aborted: {type(error).__name__}: {error!s:.200}", state="aborted"))
        raise


def seed_store(trips: Trips, directory: Path, max_history: int) -> Path:
    """A fresh store with every event before the cut. Returns `directory`."""
    shutil.rmtree(directory, ignore_errors=True)
    store = LmdbStore(directory, max_history)
    known = trips.event_time_E < trips.cut_s
    store.bulk_load(
        trips.user_ids,
        trips.item_ids,
        trips.event_user_E[known],
        trips.event_item_E[known],
        trips.event_time_E[known],
    )
    store.close()
    return directory


class _Walk:
    """One rollout in progress: steps, counts and the status file."""

    def __init__(
        self,
        trips: Trips,
        client: Client,
        door: Front,
        settings: RunSettings,
        workdir: Path,
        status: Status,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self._replay = Replay(trips, client, self._count)
        self._trips = trips
        self._door = door
        self._plan = settings.rollout
        self._share = max(1, settings.replay_requests // len(self._plan.percents))
        self._workdir = workdir
        self._status = status
        self._on_progress = on_progress
        self._state = start(self._plan)
        self._requests = self._failed = 0
        self._planned = self._share * len(self._plan.percents)

    def run(self, servers: list[Process]) -> RolloutResult:
        while self._state.state == "running":
            decision = self._step()
            self._state = apply(self._state, decision)
            if decision.action == "hold":
                break
        self._door.set_percent(self._state.percent)
        final = "held" if self._state.state == "running" else self._state.state
        self._note(final, state=final, percent=self._state.percent)
        serving = self._measure(servers)
        return RolloutResult(
            final_state=final,
            steps=list(self._status.steps),
            failed_requests=self._failed,
            failed_events=self._replay.failed_events,
            serving=serving,
        )

    def _step(self) -> Decision:
        """Plays one step to its decision and records it."""
        change_ms = self._door.set_percent(self._state.percent)
        self._note(f"{self._state.percent} % to the canary", percent=self._state.percent)
        before = self._assigned()
        replies: list[Reply] = []
        while True:
            batch = self._replay.play(self._share)
            replies += batch
            ready = "canary" in self._door.healthy()
            evidence = gather(replies, self._assigned() - before, ready)
            decision = decide(self._plan, self._state, evidence)
            if not (decision.wants_traffic and batch):
                break
            self._planned += self._share
        record = _record(self._state, evidence, decision, replies, change_ms)
        self._note(f"{decision.action}: {'; '.join(decision.reasons)}", steps=(*self._status.steps, record))
        return decision

    def _assigned(self) -> int:
        """Recommendations given to the canary's side so far, whoever answered them."""
        name = "cluster.canary_first.upstream_rq_completed"
        return self._door.stats(name).get(name, 0)

    def _count(self, reply: Reply) -> None:
        self._requests += 1
        self._failed += reply.status != 200
        if self._requests % PROGRESS_EVERY == 0:
            self._on_progress(
                Progress(
                    percent=self._state.percent,
                    requests=self._requests,
                    planned=self._planned,
                    failed=self._failed,
                )
            )

    def _note(self, event: str, **changes: Any) -> None:
        self._status = self._status.noting(event, **changes)
        write_status(self._workdir, self._status)

    def _measure(self, servers: list[Process]) -> dict[str, float]:
        """Latency as the client sees it and the servers' CPU, over the first test trips asked again."""
        trips = np.resize(self._trips.test_trips(), MEASURED_REQUESTS)
        cpu_s = sum(server.cpu_s() for server in servers)
        replies = [self._replay.ask(int(trip), f"measure-{n}") for n, trip in enumerate(trips)]
        cpu_s = sum(server.cpu_s() for server in servers) - cpu_s
        self._failed += sum(reply.status != 200 for reply in replies)
        latency_ms = np.array([reply.latency_ms for reply in replies])
        return {
            "p50_ms": float(np.percentile(latency_ms, 50)),
            "p99_ms": float(np.percentile(latency_ms, 99)),
            "rps": float(1000 / latency_ms.mean()),
            "cpu_ms_per_request": cpu_s * 1000 / len(replies),
        }


def _record(
    state: RolloutState, evidence: Evidence, decision: Decision, replies: list[Reply], change_ms: float
) -> dict[str, Any]:
    """One step as the result and the status file show it."""
    stable, canary = evidence.stable, evidence.canary
    shoppers = stable.shoppers + canary.shoppers
    answered = [reply for reply in replies if reply.version == "canary"]
    sides = {side: seen for side, seen in (("stable", stable), ("canary", canary)) if seen.trips}
    return {
        "declared_percent": state.percent,
        "observed_percent": 100 * len(answered) / max(len(replies), 1),
        "observed_shopper_percent": 100 * canary.shoppers / max(shoppers, 1),
        "requests": len(replies),
        "canary_requests": canary.requests,
        "canary_errors": canary.errors,
        "shoppers": shoppers,
        "canary_shoppers": canary.shoppers,
        "failed_requests": sum(reply.status != 200 for reply in replies),
        "p50_ms": {side: seen.p50_ms for side, seen in sides.items()},
        "p99_ms": {side: seen.p99_ms for side, seen in sides.items()},
        "hits_per_trip": {side: seen.hits_per_trip for side, seen in sides.items()},
        "split_p_value": split_p_value(canary.shoppers, shoppers, state.percent),
        "weight_change_ms": change_ms,
        "decision": decision.action,
        "reasons": list(decision.reasons),
    }
