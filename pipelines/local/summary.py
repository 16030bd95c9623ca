"""summary.json: what a run saw, measured and decided. Its keys are an interface that others read."""

from typing import Any

from components.artifacts.artifact import Artifact, Count, Flag, Number, Tolerant
from components.artifacts.evaluation import Evaluation, Latency
from components.artifacts.examples import Examples
from components.artifacts.first_stable import FirstStable
from components.artifacts.push_outcome import PushOutcome
from components.artifacts.tables import Tables
from components.artifacts.training import TrainingRecord
from components.artifacts.verdict import Outcome, Override, Verdict
from components.rollout.rollout_record import RolloutResult, StepRecord
from model.data.task import TaskKind
from pipelines.local.run_directory import RunOutputs


class DataSummary(Tolerant):
    """Rows of the run's tables. `rows`: those left of `rows_in`."""

    rows: Count = 0
    rows_in: Count | None = None
    dropped: dict[str, int] = {}
    """{reason: rows}."""
    users: Count = 0
    items: Count = 0
    catalog_items: Count | None = None
    trips: Count | None = None
    test_trips: Count | None = None
    cut: str = ""
    """First test day."""
    judged_on: tuple[str, ...] = ()
    """Event types of the test labels."""
    task: TaskKind = TaskKind.NEXT_BASKET
    task_reason: str = ""


class GateSummary(Tolerant):
    """The verdict; `reasons` are those of the checks that did not pass."""

    blessed: Flag = False
    outcome: Outcome | None = None
    """None in a run of an earlier version: `answer` has it then."""
    overridden: Flag = False
    override: Override | None = None
    reasons: tuple[str, ...] = ()

    @property
    def answer(self) -> Outcome:
        """The outcome; of an earlier version's run, that of the two flags."""
        if self.outcome:
            return self.outcome
        return ("overridden" if self.overridden else "blessed") if self.blessed else "not_blessed"


class FirstStableSummary(Tolerant):
    """The baseline that serves until a model is blessed (components/artifacts/first_stable.py)."""

    name: str = ""
    reason: str = ""
    figures: dict[str, dict[str, Number]] = {}
    """{baseline: {metric: mean on the trips before the cut that decided}}."""


class RolloutSummary(Tolerant):
    """The rollout, or why there was none."""

    steps: tuple[StepRecord, ...] = ()
    final_state: str = "not_started"
    why: str = ""
    failed_requests: Count = 0
    failed_events: Count = 0


class ServingSummary(Latency):
    """One client, one request after the other."""

    rps: Number = None
    cpu_ms_per_request: Number = None
    stages_ms: dict[str, float] = {}


class Summary(Tolerant, Artifact, file="summary.json", stage="aisle demo"):
    """A part that the run did not come to is None or empty."""

    data: DataSummary | None = None
    quality: dict[str, dict[str, Number]] = {}
    """{model: {metric: mean}}."""
    judged_trips: Count | None = None
    gate: GateSummary | None = None
    training: dict[str, Any] = {}
    """Content of the model's training.json."""
    model: str = ""
    stable_before: str | None = None
    first_stable: FirstStableSummary | None = None
    """None where a trained model was stable already."""
    rollout: RolloutSummary | None = None
    serving: ServingSummary | None = None
    seconds: dict[str, float] = {}
    """{stage: seconds}."""


def summarise(outputs: RunOutputs, rollout: RolloutResult | None, seconds: dict[str, float]) -> Summary:
    """Gathers the stages' results.

    Args:
        rollout: None when nothing was pushed.
        seconds: {stage: seconds}.
    """
    ingest, examples = Tables(outputs["tables"]).report, Examples(outputs["examples"]).report
    evaluation, verdict = Evaluation.load(outputs["evaluation"]), Verdict.read(outputs["verdict"])
    pushed = PushOutcome.read(outputs["outcome"])
    open_checks = tuple(f"{reason.check}: {reason.message}" for reason in verdict.not_passed)
    first = FirstStable.load(outputs["baselines"])
    measured = RolloutSummary(why=pushed.reason)
    if rollout:
        measured = RolloutSummary(
            steps=rollout.steps,
            final_state=rollout.final_state,
            failed_requests=rollout.failed_requests,
            failed_events=rollout.failed_events,
        )
    return Summary(
        data=DataSummary(
            rows=ingest.events,
            rows_in=ingest.rows_in,
            dropped=ingest.dropped,
            users=ingest.users_seen,
            items=ingest.items_seen,
            catalog_items=examples.items,
            trips=examples.trips,
            test_trips=examples.test_trips,
            cut=ingest.cut,
            judged_on=examples.judged_on,
            task=examples.task,
            task_reason=examples.task_reason,
        ),
        quality=evaluation.models,
        judged_trips=evaluation.trips,
        gate=GateSummary(
            blessed=verdict.blessed,
            outcome=verdict.outcome,
            overridden=verdict.overridden,
            override=verdict.override,
            reasons=open_checks or (f"all {len(verdict.reasons)} checks passed",),
        ),
        training=TrainingRecord.load(outputs["model"]).as_json(),
        model=pushed.version,
        stable_before=pushed.stable,
        first_stable=None
        if evaluation.stable
        else FirstStableSummary(name=first.name, reason=first.reason, figures=first.figures),
        rollout=measured,
        serving=ServingSummary(**rollout.serving.model_dump()) if rollout and rollout.serving else None,
        seconds=seconds,
    )
