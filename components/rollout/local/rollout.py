"""One rollout, step by step: traffic, evidence, decision, weight, record."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from components.rollout.decision.evidence import Evidence
from components.rollout.decision.guards import measurements
from components.rollout.decision.split_test import split_p_value
from components.rollout.decision.state_machine import Decision, RolloutState, apply, decide
from components.rollout.decision.states import State
from components.rollout.local.envoy_config import CANARY, STABLE
from components.rollout.local.gather_evidence import Pair, gather
from components.rollout.local.latency_breakdown import stage_ms, stage_seconds
from components.rollout.local.trip_traffic import Replay
from components.rollout.local.two_versions import TwoVersions
from components.rollout.local.v2_client import Reply
from components.rollout.rollout_record import RolloutRecord, StepRecord, change
from model.data.trips import Trips
from tfx_configs.settings import RunSettings

MEASURED_REQUESTS = 400
"""Requests of the closing latency and CPU measurement: one client, no events in between."""
PROGRESS_EVERY = 20
ASK_BOTH_EVERY = 20
"""One trip in so many is sent to both versions besides, for their agreement."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Progress:
    """What `on_progress` gets every few requests; `planned` grows when a step needs more traffic."""

    percent: int
    requests: int
    planned: int
    failed: int


class ServingFigures(BaseModel):
    """One client through Envoy, and the CPU of the model servers alone."""

    model_config = ConfigDict(frozen=True)

    p50_ms: float
    p99_ms: float
    rps: float
    cpu_ms_per_request: float
    stages_ms: dict[str, float]
    """{stage: mean}, which add up to the mean of an answer."""


class RolloutResult(BaseModel):
    """The outcome of a rollout, or of one step of it."""

    model_config = ConfigDict(frozen=True)

    final_state: State
    """running: after a single step that was taken."""
    steps: tuple[StepRecord, ...]
    failed_requests: int
    """Recommendations without a 200 over the whole replay."""
    failed_events: int
    """Baskets that were not accepted."""
    serving: ServingFigures | None = None
    """None after a single step."""


class RolloutLoop:
    """One rollout in progress: steps, counts and the record.

    Args:
        workdir: where the record is; it is at `record`.
        on_end: called with promoted or rolled_back while that is recorded, so that both happen or neither.
    """

    def __init__(
        self,
        trips: Trips,
        versions: TwoVersions,
        settings: RunSettings,
        *,
        workdir: Path,
        record: RolloutRecord,
        on_progress: Callable[[Progress], None],
        on_end: Callable[[State], object],
    ) -> None:
        self._replay = Replay(trips, versions.client, self._count, record.next_trip)
        self._trips = trips
        self._versions = versions
        self._plan = settings.rollout
        self._share = max(1, settings.replay_requests // len(self._plan.percents))
        self._workdir = workdir
        self._record = record
        self._on_progress = on_progress
        self._on_end = on_end
        state = State.HELD if record.state == State.HELD else State.RUNNING
        self._state = RolloutState(percent=record.percent, state=state)
        self._requests = self._failed = 0
        self._planned = self._share * len(self._plan.percents)

    def run(self) -> RolloutResult:
        """To the end of the plan, a rollback, or a hold that more traffic cannot end."""
        while self._state.state == State.RUNNING and self._step().action != "hold":
            continue
        if self._state.state == State.RUNNING:
            self._note("held", state=State.HELD)
        return self._result(self._record.state, self._measure())

    def one(self) -> RolloutResult:
        """One step: traffic until the machine has decided, or no trips are left. `held` when it did not move."""
        decision = self._step()
        return self._result(State.HELD if decision.action == "hold" else self._state.state)

    def _result(self, final_state: State, serving: ServingFigures | None = None) -> RolloutResult:
        return RolloutResult(
            final_state=final_state,
            steps=self._record.steps,
            failed_requests=self._failed,
            failed_events=self._replay.failed_events,
            serving=serving,
        )

    def _step(self) -> Decision:
        """Plays one step to its decision, carries it out and records it."""
        began, percent = datetime.now(UTC), self._state.percent
        change_ms = self._note(f"{percent} % to the canary", percent=percent)
        before = self._assigned()
        replies: list[Reply] = []
        pairs: list[Pair] = []
        while True:
            batch = self._replay.play(self._share)
            replies += batch
            pairs += self._replay.asked_both(self._share // ASK_BOTH_EVERY)
            ready = CANARY in self._versions.proxy.healthy()
            age_s = time.time() - self._record.started_s
            evidence = gather(replies, self._assigned() - before, ready, pairs, age_s)
            decision = decide(self._plan, self._state, evidence)
            if not (decision.wants_traffic and batch):
                break
            self._planned += self._share
        step = _record(percent, evidence, decision, replies).model_copy(
            update={
                "weight_change_ms": change_ms,
                "began": began.isoformat(timespec="milliseconds"),
                "ended": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "guards": tuple(measurements(self._plan, percent, evidence)),
            }
        )
        self._state = apply(self._state, decision)
        self._note(
            decision.line,
            steps=(*self._record.steps, step),
            percent=self._state.percent,
            state=self._state.state,
            next_trip=self._replay.played,
        )
        return decision

    def _assigned(self) -> int:
        """Recommendations assigned to the canary's side so far, whichever side answered them."""
        return self._versions.proxy.stat(f"cluster.{CANARY}_first.upstream_rq_completed")

    def _count(self, reply: Reply) -> None:
        self._requests += 1
        self._failed += reply.status != 200
        if self._requests % PROGRESS_EVERY == 0:
            self._on_progress(
                Progress(
                    percent=self._state.percent, requests=self._requests, planned=self._planned, failed=self._failed
                )
            )

    def _note(self, event: str, **changes: Any) -> float:
        """Carries out and records fields of the record, in one. Returns the milliseconds that the weights took.

        Raises CheckFailed when the rollout has changed since this loop recorded it; then nothing is done.
        """
        took_ms = []

        def move(_: RolloutRecord) -> RolloutRecord:
            took_ms.append(self._versions.proxy.set_percent(changes.get("percent", self._record.percent)))
            if not changes.get("state", State.RUNNING).active:
                self._on_end(changes["state"])
            return self._record.noting(event, **changes)

        self._record = change(self._workdir, move, expected=self._record.generation)
        return took_ms[0]

    def _measure(self) -> ServingFigures:
        """Latency as the client sees it, by stage, and the servers' CPU, over the first test trips played again."""
        alive = [server for server in self._versions.servers if server[0].exit_code is None]
        processes, ports = [process for process, _ in alive], [backend.http_port for _, backend in alive]
        trips = np.resize(self._trips.test_trips(), MEASURED_REQUESTS)
        before, cpu_s = stage_seconds(ports), sum(process.cpu_s() for process in processes)
        replies = [self._replay.ask(int(trip), f"measure-{n}") for n, trip in enumerate(trips)]
        cpu_s = sum(process.cpu_s() for process in processes) - cpu_s
        self._failed += sum(reply.status != 200 for reply in replies)
        latency_ms = np.array([reply.latency_ms for reply in replies])
        return ServingFigures(
            p50_ms=float(np.percentile(latency_ms, 50)),
            p99_ms=float(np.percentile(latency_ms, 99)),
            rps=float(1000 / latency_ms.mean()),
            cpu_ms_per_request=cpu_s * 1000 / len(replies),
            stages_ms=stage_ms(before, stage_seconds(ports), len(replies), float(latency_ms.mean())),
        )


def _record(percent: int, evidence: Evidence, decision: Decision, replies: Sequence[Reply]) -> StepRecord:
    """One step: its traffic, what both versions made of it, and the decision."""
    stable, canary = evidence.stable, evidence.canary
    shoppers = stable.shoppers + canary.shoppers
    sides = {side: version for side, version in ((STABLE, stable), (CANARY, canary)) if version.trips}
    return StepRecord(
        declared_percent=percent,
        observed_percent=100 * sum(reply.version == CANARY for reply in replies) / max(len(replies), 1),
        observed_shopper_percent=100 * canary.shoppers / max(shoppers, 1),
        requests=len(replies),
        canary_requests=canary.requests,
        canary_errors=canary.errors,
        shoppers=shoppers,
        canary_shoppers=canary.shoppers,
        failed_requests=sum(reply.status != 200 for reply in replies),
        p50_ms={side: version.p50_ms for side, version in sides.items()},
        p99_ms={side: version.p99_ms for side, version in sides.items()},
        hits_per_trip={side: version.hits_per_trip for side, version in sides.items()},
        agreement=evidence.agreement,
        list_overlap={side: version.list_overlap for side, version in sides.items()},
        split_p_value=split_p_value(canary.shoppers, shoppers, percent),
        decision=decision.action,
        reasons=decision.reasons,
    )
