"""A guard: a figure of the evidence, its limit, and what the rollout does when the figure is beyond it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from components.rollout.decision.confidence_sequence import OutcomeRatio, outcome_ratio
from components.rollout.decision.evidence import Evidence, VersionEvidence
from tfx_configs.rollout import RolloutSettings

Action = Literal["rollback", "hold"]
Sense = Literal["at most", "at least", "above"]
"""Where the figure has to be, relative to its limit."""


@dataclass(frozen=True)
class Case:
    """What a guard is evaluated on: the plan, the canary's current share in percent, and the evidence."""

    plan: RolloutSettings
    percent: int
    evidence: Evidence

    @property
    def canary(self) -> VersionEvidence:
        return self.evidence.canary

    @property
    def stable(self) -> VersionEvidence:
        return self.evidence.stable

    @property
    def full_sample(self) -> bool:
        """Whether both versions have answered enough."""
        return min(self.canary.requests, self.stable.requests) >= self.plan.min_canary_requests

    @property
    def alpha(self) -> float:
        """Each step that compares starts again with an equal part of the plan's alpha: other shoppers, another week."""
        return self.plan.outcome_alpha / max(1, len(self.plan.percents) - 1)

    @cached_property
    def outcomes(self) -> OutcomeRatio | None:
        return outcome_ratio(self.evidence, self.alpha)


class Figure(NamedTuple):
    """What a guard compares, and its reason where the value is beyond the limit."""

    value: float
    limit: float
    reason: str


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """A guard's figure beside its limit. `what` and `unit`: for people."""

    rule: str
    what: str
    value: float
    limit: float
    at_most: bool
    """Else the value has to be at least the limit."""
    unit: str = ""


@dataclass(frozen=True, kw_only=True)
class Guard:
    """One limit that the evidence must respect."""

    figure: Callable[[Case], Figure | None]
    """None where there is nothing to compare; then the guard does not act. Its docstring is when the guard acts."""
    action: Action
    sense: Sense
    shown: str = ""
    """For people: what the figure means; empty: it is not shown, as is one that is infinite."""
    unit: str = ""
    full_sample: bool = False
    """Whether it needs a full sample on both sides."""
    wants_traffic: bool = False
    """A hold that more requests may end."""

    @property
    def name(self) -> str:
        """First word of its reason."""
        return self.figure.__name__

    def check(self, case: Case) -> str | None:
        """The reason to act, or None."""
        figure = self._figure(case)
        if figure is None:
            return None
        value, limit, reason = figure
        beyond = {"at most": value > limit, "at least": value < limit, "above": value <= limit}
        return f"{self.name}: {reason}" if beyond[self.sense] else None

    def measure(self, case: Case) -> Measurement | None:
        """The figure and its limit, where they are shown."""
        figure = self._figure(case)
        if not self.shown or figure is None or not math.isfinite(figure.value):
            return None
        return Measurement(
            rule=self.name,
            what=self.shown,
            value=figure.value,
            limit=figure.limit,
            at_most=self.sense == "at most",
            unit=self.unit,
        )

    def _figure(self, case: Case) -> Figure | None:
        return None if self.full_sample and not case.full_sample else self.figure(case)
