"""What evaluate measured: metrics.json, whose keys are the fields below, beside TFMA's own output.

A file that lacks a value can be read; who needs the value asks for it by a method, and learns what is missing.
"""

import dataclasses
from typing import Self, TypeVar

import numpy as np
from pydantic import Field

from components.artifacts.artifact import Artifact, Count, Flag, Number, Tolerant
from model.data.task import TaskKind
from model.evaluation.ranking_metrics import Bin, Interval, paired_delta
from tfx_configs.evaluation import REGRESSION_METRIC, EvaluationSettings

TFMA = "tfma"
"""Directory of TFMA's own output, beside metrics.json."""
Value = TypeVar("Value")


class Missing(LookupError):
    """The evaluation lacks a value, or has something else (null, NaN, a text) in its place."""


def required(value: Value | None, name: str) -> Value:
    """The value; raises Missing, with its name in metrics.json, when it is None or an empty text."""
    if value is None or value == "":
        raise Missing(f"expected {name} in {Evaluation.FILE}, got none that can be used")
    return value


def missed(metric: str, kind: str, where: str = "all trips") -> str:
    """How a line of CrossCheck.failures begins. `kind`: value, or change against TFMA's baseline."""
    return f"{metric} in {where}: {kind} "


class Delta(Tolerant):
    """A relative difference on the same trips with its 95 % interval, percent; None where it is undefined."""

    delta_pct: Number = None
    low_pct: Number = None
    high_pct: Number = None

    @classmethod
    def between(cls, candidate_N: np.ndarray, other_N: np.ndarray, plan: EvaluationSettings) -> Self:
        """Of the candidate's values by trip over the other's."""
        interval = paired_delta(candidate_N, other_N, seed=plan.seed, rounds=plan.bootstrap_rounds)
        return cls(**dataclasses.asdict(interval))

    @property
    def interval(self) -> Interval | None:
        """The three numbers; None unless all of them are defined."""
        if self.delta_pct is None or self.low_pct is None or self.high_pct is None:
            return None
        return Interval(delta_pct=self.delta_pct, low_pct=self.low_pct, high_pct=self.high_pct)


Deltas = dict[str, Delta]
"""{metric: difference}."""


class Measured(Tolerant):
    """Every model on the same trips."""

    models: dict[str, dict[str, Number]] = {}
    """{model: {metric: mean over the trips}}."""
    paired: dict[str, Deltas] = {}
    """{other model: the candidate's difference from it}."""

    def metric(self, model: str, name: str) -> float:
        """Raises Missing where the metric of the model is missing or undefined."""
        return required(self.models.get(model, {}).get(name), f"models.{model}.{name}")

    def delta(self, other: str, metric: str) -> Delta:
        """The candidate's difference from `other`; undefined where it was not measured."""
        return self.paired.get(other, {}).get(metric, Delta())

    def interval(self, other: str, metric: str) -> Interval:
        """The same; raises Missing where it is undefined."""
        return required(self.delta(other, metric).interval, f"paired.{other}.{metric}")


class Slice(Measured):
    """The trips with one value of one slicing; `paired` has REGRESSION_METRIC alone."""

    slice: str = ""
    """Name of the slicing."""
    value: str = ""
    trips: Count = 0

    @property
    def name(self) -> str:
        return f"{self.slice}: {self.value}"


class Span(Tolerant):
    """First and last judged trip, RFC 3339."""

    first: str = ""
    last: str = ""


class Ends(Tolerant):
    """95 % interval of a mean."""

    low: Number = None
    high: Number = None


class SourceLoss(Tolerant):
    """What one source of candidates is worth."""

    source: str = ""
    listed_percent: float = 0.0
    """Share of the first ten that it brought."""
    hit_percent: float = 0.0
    """Share of the hits among them that it brought."""
    without: Deltas = {}
    """Change of the candidate's metrics when it is taken away."""


class Latency(Tolerant):
    """Of one request, milliseconds."""

    p50_ms: Number = None
    p99_ms: Number = None


class CrossCheck(Tolerant):
    """TFMA's verdict on the same trips, and how its numbers compare with ours."""

    verdict: Flag | None = None
    """None: TFMA gave none."""
    failures: tuple[str, ...] | None = None
    """One line for each threshold that was missed, or could not be checked."""
    example_count: Count | None = None
    counts_agree: Flag | None = None
    """Whether TFMA saw the same trips in every slice."""
    max_difference: Number = None
    """The largest between a value of TFMA's and ours; None where only one side has a value."""


class Evaluation(Measured, Artifact, file="metrics.json", stage="evaluate", populate_by_name=True):
    """Candidate, stable model and baselines on the first test trip of every known shopper."""

    candidate: str = ""
    """Name of the candidate in `models`."""
    stable: str | None = Field(default="", alias="blessed")
    """Name of the stable model in `models`; None: there was none. The file keeps the key of its first version."""
    baselines: tuple[str, ...] = ()
    versions: dict[str, str] = {}
    """{model: version}."""
    code_version: str = ""
    task: TaskKind = TaskKind.NEXT_BASKET
    """What the trips are judged on."""
    digest: str = ""
    """Task.digest of the examples."""
    span: Span = Span()
    trips: Count | None = None
    active_items: Count | None = None
    slices: tuple[Slice, ...] = ()
    intervals: dict[str, dict[str, Ends]] = {}
    """{model: {metric of GATE_METRICS: interval of its mean}}."""
    shelves: Measured = Measured()
    """Recall of each of two shelves over its part of the basket (components/evaluate/shelves.py); nothing where all is
    new."""
    sources: tuple[SourceLoss, ...] = ()
    reliability: tuple[Bin, ...] = ()
    """Of the candidate's first ten; empty where its score is no probability."""
    latency: Latency = Latency()
    size_mb: Number = None
    tfma: CrossCheck = CrossCheck()

    @property
    def facts(self) -> dict[str, str | int]:
        """What KFP's page shows of the artifact."""
        version = self.versions.get(self.candidate, "")
        return {"model_version": version, "trips": self.trips or 0, "models": len(self.models), "digest": self.digest}

    @property
    def defined(self) -> dict[str, float]:
        """The candidate's metrics, undefined ones left out."""
        values = self.models.get(self.candidate, {})
        return {name: value for name, value in values.items() if value is not None}

    @property
    def by_slice(self) -> dict[str, float]:
        """{"shopper: new, ndcg@10": the candidate's mean}, undefined ones left out."""
        values = {row.name: row.models.get(self.candidate, {}).get(REGRESSION_METRIC) for row in self.slices}
        return {f"{name}, {REGRESSION_METRIC}": value for name, value in values.items() if value is not None}
