"""A rollout on this machine: a stable and a canary server, Envoy before them, the test span's trips as traffic.

Purchases follow each recommendation as events, so that a shopper's later trips are answered with them. The state
machine decides after each step; nothing outlives the call.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from components.rollout.decision.evidence import Evidence
from components.rollout.decision.guards import measurements
from components.rollout.decision.split_test import split_p_value
from components.rollout.decision.state_machine import Decision, RolloutState, apply, decide, start
from components.rollout.decision.states import State
from components.rollout.local.envoy_config import CANARY, STABLE
from components.rollout.local.envoy_process import TwoVersions, two_versions
from components.rollout.local.gather_evidence import Pair, gather
from components.rollout.local.processes import REQUESTS, SERVER_MODULE, STORE
from components.rollout.local.server_metrics import stage_ms, stage_seconds, violations
from components.rollout.local.trip_traffic import Replay, check_trips, seed_store
from components.rollout.local.v2_client import Reply
from components.rollout.rollout_record import (
    Progress,
    RolloutRecord,
    RolloutResult,
    ServingFigures,
    StepRecord,
    begin,
    change,
)
from model.data.trips import Trips
from model.errors import CheckFailed
from model.files import remove_unused
from model.registry.model_registry import Registry
from tfx_configs.settings import RunSettings

MEASURED_REQUESTS = 400
"""Requests of the closing latency and CPU measurement: one client, no events in between."""
PROGRESS_EVERY = 20
ASK_BOTH_EVERY = 20
"""One trip in so many is sent to both versions besides, for their agreement."""


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
        remove_unused(self.workdir / REQUESTS)
        seed_store(self.trips, self.workdir / STORE, self.settings.features.max_history)
        record = begin(self.workdir, new_record(self.stable_dir.name, self.canary_dir.name, self.settings))
        with self._loop(record) as loop:
            return loop.run()

    def step(self, record: RolloutRecord) -> RolloutResult:
        """Takes one step from where the record is; raises as `run`."""
        with self._loop(record) as loop:
            return loop.single_step()

    @contextmanager
    def _loop(self, record: RolloutRecord) -> Iterator["_Loop"]:
        """Both servers on the store in `workdir` and Envoy before them, until the block ends.

        An error that ends the block is recorded, unless an operator's change is that error, or the rollout had ended
        before.
        """
        try:
            with two_versions(
                stable_dir=self.stable_dir,
                canary_dir=self.canary_dir,
                workdir=self.workdir,
                max_history=self.settings.features.max_history,
                server_module=self.server_module,
            ) as versions:
                yield _Loop(self, versions, record)
        except CheckFailed:
            raise
        except BaseException as error:
            event = f"aborted: {type(error).__name__}: {error!s:.200}"
            change(self.workdir, lambda now: now.noting(event, state=State.ABORTED) if now.state.active else now)
            raise


def new_record(stable: str, candidate: str, settings: RunSettings) -> RolloutRecord:
    """A rollout that begins now, at the plan's first share."""
    first = start(settings.rollout)
    record = RolloutRecord(
        stable_before=stable, candidate=candidate, percent=first.percent, state=first.state, started_s=time.time()
    )
    return record.noting("started")


class _Loop:
    """A rollout in progress: steps, counts and the record."""

    def __init__(self, rollout: LocalRollout, versions: TwoVersions, record: RolloutRecord) -> None:
        self._rollout = rollout
        self._replay = Replay(rollout.trips, versions.client, self._count, record.next_trip)
        self._versions = versions
        self._plan = rollout.settings.rollout
        self._share = max(1, rollout.settings.replay_requests // len(self._plan.percents))
        self._record = record
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

    def single_step(self) -> RolloutResult:
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
        began, percent = _now(), self._state.percent
        change_ms = self._note(f"{percent} % to the canary", percent=percent)
        before, broken_before = self._assigned(), self._violations()
        replies: list[Reply] = []
        pairs: list[Pair] = []
        while True:
            batch = self._replay.play(self._share)
            replies += batch
            pairs += self._replay.asked_both(self._share // ASK_BOTH_EVERY)
            ready = CANARY in self._versions.proxy.healthy()
            age_s = time.time() - self._record.started_s
            broken = max(self._violations() - broken_before, 0)
            evidence = gather(replies, self._assigned() - before, ready, pairs, age_s, broken)
            decision = decide(self._plan, self._state, evidence)
            if not (decision.wants_traffic and batch):
                break
            self._planned += self._share
        step = self._step_record(evidence, decision, replies, change_ms, began)
        self._state = apply(self._state, decision)
        self._note(
            decision.line,
            steps=(*self._record.steps, step),
            percent=self._state.percent,
            state=self._state.state,
            next_trip=self._replay.played,
        )
        return decision

    def _step_record(
        self, evidence: Evidence, decision: Decision, replies: Sequence[Reply], change_ms: float, began: str
    ) -> StepRecord:
        """The step that ends now: its traffic, what both versions made of it, and the decision."""
        percent, stable, canary = self._state.percent, evidence.stable, evidence.canary
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
            weight_change_ms=change_ms,
            decision=decision.action,
            reasons=decision.reasons,
            began=began,
            ended=_now(),
            guards=tuple(measurements(self._plan, percent, evidence)),
        )

    def _assigned(self) -> int:
        """Recommendations assigned to the canary's side so far, whichever side answered them."""
        return self._versions.proxy.stat(f"cluster.{CANARY}_first.upstream_rq_completed")

    def _violations(self) -> int:
        """Answers of the canary's server that broke the contract so far."""
        return violations(self._versions.servers[1][1].http_port)

    def _count(self, reply: Reply) -> None:
        self._requests += 1
        self._failed += reply.status != 200
        if self._requests % PROGRESS_EVERY == 0:
            self._rollout.on_progress(
                Progress(
                    percent=self._state.percent, requests=self._requests, planned=self._planned, failed=self._failed
                )
            )

    def _note(self, event: str, **changes: Any) -> float:
        """Carries out and records fields of the record, in one. Returns the milliseconds that the weights took.

        Raises CheckFailed when the rollout has changed since this loop recorded it; then nothing is done.
        """
        took_ms = []
        registry, state = self._rollout.registry, changes.get("state", State.RUNNING)

        def move(_: RolloutRecord) -> RolloutRecord:
            took_ms.append(self._versions.proxy.set_percent(changes.get("percent", self._record.percent)))
            if registry is not None and state == State.PROMOTED:
                registry.promote()
            elif registry is not None and not state.active:
                registry.drop_canary()
            return self._record.noting(event, **changes)

        self._record = change(self._rollout.workdir, move, expected=self._record.generation)
        return took_ms[0]

    def _measure(self) -> ServingFigures:
        """Latency as the client sees it, by stage, and the servers' CPU, over the first test trips played again."""
        alive = [server for server in self._versions.servers if server[0].exit_code is None]
        processes, ports = [process for process, _ in alive], [backend.http_port for _, backend in alive]
        trips = np.resize(self._rollout.trips.test_trips(), MEASURED_REQUESTS)
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


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
