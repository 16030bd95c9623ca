"""The plan of a canary rollout."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tfx_configs.frozen import (
    Count,
    Factor,
    Must,
    NotNegative,
    Percent,
    Positive,
    Settings,
    Share,
    ascending,
    check,
)


class MetricLimit(Settings):
    """A figure of your own that a rollout respects: a PromQL query with a limit."""

    name: Annotated[str, Field(min_length=1)]
    """In reasons and records."""
    query: Annotated[str, Field(min_length=1)]
    """PromQL whose first sample counts. $canary, $stable: versions; $namespace; $window: since the share was set, as
    1800s."""
    sense: Literal["at most", "at least"] = "at most"
    limit: float
    """The canary is rolled back beyond it; without a value it holds."""

    def is_beyond(self, value: float) -> bool:
        """Whether the value oversteps the limit."""
        return value > self.limit if self.sense == "at most" else value < self.limit


class RolloutSettings(Settings):
    """The plan of a canary rollout."""

    percents: Annotated[
        tuple[Count, ...], Must("ascending to 100", lambda percents: ascending(percents) and percents[-1] == 100)
    ] = (10, 50, 100)
    """Canary share at each step, percent."""
    pauses: tuple[Count, ...] = ()
    """Of these shares, those at which it waits until an operator resumes it, percent; harm still rolls it back."""
    min_canary_requests: Count = 100
    """Canary answers each step must see before it is judged."""
    min_hours: NotNegative = 0.0
    """Each share lasts at least so long, hours; on a cluster as long as outcomes take to come."""
    max_error_percent: Percent = 1.0
    """Failed canary requests, and answers that broke the contract, percent."""
    max_refused_points: Percent = 1.0
    """Requests refused as bad (4xx): the canary's share surely above stable's, percentage points."""
    max_restarts: int = Field(1, ge=0)
    """Servers of the canary that ended by themselves, more than stable's, at one share."""
    max_memory_ratio: Factor = 2.0
    """Memory of the canary's largest server over that of stable's."""
    metrics: tuple[MetricLimit, ...] = ()
    """Figures of your own, on a cluster."""
    max_p99_ratio: Positive = 2.0
    """Canary p99 latency over stable's; judged only above `p99_floor_ms`."""
    p99_floor_ms: NotNegative = 50.0
    """Latency that passes regardless of stable's, milliseconds."""
    max_fallback_points: Percent = 5.0
    """Answers from a fallback: the canary's share above stable's, percentage points."""
    max_list_overlap: Share = 0.9
    """Share of a shopper's list that another's has too, mean over pairs; as much as stable's is always fine."""
    min_agreement: Share = 0.0
    """Share of the canary's items that stable's answer to the same request has too; 0: not checked."""
    outcome_alpha: float = Field(0.05, gt=0, le=0.5)
    """Probability that an equal model is rolled back or a model at `min_outcome_ratio` passes for its outcomes, however
    often they are evaluated."""
    min_outcome_ratio: float = Field(0.8, ge=0, lt=1)
    """Canary hits per trip over stable's: proven to be above this before 100 %; 0: nothing to prove."""
    max_age_hours: Positive = 336.0
    """A rollout undecided for longer is rolled back, hours."""
    split_alpha: float = Field(0.001, gt=0, le=0.1)
    """Significance of the always-valid test that the observed split is the declared one."""

    @model_validator(mode="after")
    def _checked(self) -> Self:
        check(set(self.pauses) <= set(self.percents), "pauses", "shares that are in percents", self.pauses)
        return self
