"""One rollout, step by step: traffic, evidence, decision, weight, status file."""

import dataclasses
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from components.rollout.decision.guard_readings import readings
from components.rollout.decision.split_test import split_p_value
from components.rollout.decision.state_machine import Decision, Evidence, RolloutState, apply, decide
from components.rollout.local.envoy_process import Front
from components.rollout.local.gather_evidence import Pair, gather
from components.rollout.local.latency_breakdown import stage_ms, stage_seconds
from components.rollout.local.processes import Server
from components.rollout.local.status_file import Status, change
from components.rollout.local.trip_traffic import Replay
from components.rollout.local.v2_client import Client, Reply
from model.data.trips import Trips
from tfx_configs.settings import RunSettings

MEASURED_REQUESTS = 400
"""Requests of the closing latency and CPU measurement: one client, no events in between."""
PROGRESS_EVERY = 20
ASK_BOTH_EVERY = 20
"""One trip for as many is asked of both versions besides, for their agreement."""


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
    """promoted, rolled_back, held, or running after a single step that was taken."""
    steps: list[dict[str, Any]]
    failed_requests: int
    """Recommendations without a 200 over the whole replay."""
    failed_events: int
    """Baskets that were not accepted."""
    serving: dict[str, Any]
    """p50_ms, p99_ms, rps, cpu_ms_per_request: one client through Envoy; CPU of the model servers alone. stages_ms:
    {stage: mean}, which add up to the mean of an answer."""


class Walk:
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
        on_end: Callable[[str], object],
    ) -> None:
        self._replay = Replay(trips, client, self._count, status.next_trip)
        self._trips = trips
        self._door = door
        self._plan = settings.rollout
        self._share = max(1, settings.replay_requests // len(self._plan.percents))
        self._workdir = workdir
        self._status = status
        self._on_progress = on_progress
        self._on_end = on_end
        self._state = RolloutState(percent=status.percent, state="held" if status.state == "held" else "running")
        self._requests = self._failed = 0
        self._planned = self._share * len(self._plan.percents)

    def run(self, servers: list[Server]) -> RolloutResult:
        """To the end of the plan, a rollback, or a hold that more traffic cannot end."""
        while self._state.state == "running" and self._step().action != "hold":
            continue
        if self._state.state == "running":
            self._note("held", state="held")
        return self._result(self._status.state, self._measure(servers))

    def one(self) -> RolloutResult:
        """One step: traffic until the machine has decided, or no trips are left. `held` when it did not move."""
        decision = self._step()
        return self._result("held" if decision.action == "hold" else self._state.state, {})

    def _result(self, final_state: str, serving: dict[str, float]) -> RolloutResult:
        return RolloutResult(
            final_state=final_state,
            steps=list(self._status.steps),
            failed_requests=self._failed,
            failed_events=self._replay.failed_events,
            serving=serving,
        )

    def _step(self) -> Decision:
        """Plays one step to its decision, carries it out and records it."""
        began = datetime.now(UTC)
        change_ms = self._note(f"{self._state.percent} % to the canary", percent=self._state.percent)
        before = self._assigned()
        replies: list[Reply] = []
        pairs: list[Pair] = []
        while True:
            batch = self._replay.play(self._share)
            replies += batch
            pairs += self._replay.asked_both(self._share // ASK_BOTH_EVERY)
            ready = "canary" in self._door.healthy()
            age_s = time.time() - self._status.started_s
            evidence = gather(replies, self._assigned() - before, ready, pairs, age_s)
            decision = decide(self._plan, self._state, evidence)
            if not (decision.wants_traffic and batch):
                break
            self._planned += self._share
        record = _record(self._state, evidence, decision, replies, change_ms)
        record |= {
            "began": began.isoformat(timespec="milliseconds"),
            "ended": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "guards": [dataclasses.asdict(reading) for reading in readings(self._plan, self._state.percent, evidence)],
        }
        self._state = apply(self._state, decision)
        self._note(
            f"{decision.action}: {'; '.join(decision.reasons)}",
            steps=(*self._status.steps, record),
            percent=self._state.percent,
            state=self._state.state,
            next_trip=self._replay.played,
            previous=self._status.stable if self._state.state == "promoted" else self._status.previous,
        )
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

    def _note(self, event: str, **changes: Any) -> float:
        """Carries out and writes down, in one: nobody else acts in between. Returns the weights' milliseconds.

        Raises CheckFailed when somebody has changed the rollout since we last looked; then nothing is done.
        """
        took_ms = []

        def move(_: Status) -> Status:
            took_ms.append(self._door.set_percent(changes.get("percent", self._status.percent)))
            if changes.get("state") in ("promoted", "rolled_back"):
                self._on_end(changes["state"])
            return self._status.noting(event, **changes)

        self._status = change(self._workdir, move, expected=self._status.generation)
        return took_ms[0]

    def _measure(self, servers: list[Server]) -> dict[str, Any]:
        """Latency as the client sees it, by stage, and the servers' CPU, over the first test trips asked again."""
        alive = [(process, backend.http_port) for process, backend in servers if process.exit_code is None]
        processes, ports = [process for process, _ in alive], [port for _, port in alive]
        trips = np.resize(self._trips.test_trips(), MEASURED_REQUESTS)
        before, cpu_s = stage_seconds(ports), sum(process.cpu_s() for process in processes)
        replies = [self._replay.ask(int(trip), f"measure-{n}") for n, trip in enumerate(trips)]
        cpu_s = sum(process.cpu_s() for process in processes) - cpu_s
        self._failed += sum(reply.status != 200 for reply in replies)
        latency_ms = np.array([reply.latency_ms for reply in replies])
        return {
            "p50_ms": float(np.percentile(latency_ms, 50)),
            "p99_ms": float(np.percentile(latency_ms, 99)),
            "rps": float(1000 / latency_ms.mean()),
            "cpu_ms_per_request": cpu_s * 1000 / len(replies),
            "stages_ms": stage_ms(before, stage_seconds(ports), len(replies), float(latency_ms.mean())),
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
        "agreement": evidence.agreement,
        "list_overlap": {side: seen.list_overlap for side, seen in sides.items()},
        "split_p_value": split_p_value(canary.shoppers, shoppers, state.percent),
        "weight_change_ms": change_ms,
        "decision": decision.action,
        "reasons": list(decision.reasons),
    }
