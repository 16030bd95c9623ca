"""What was observed since the current share was set: all that the state machine evaluates."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class VersionEvidence:
    """What one version did during one step."""

    requests: int
    """Requests assigned to it."""
    errors: int
    """Of those, the ones it did not answer well, including those the other version answered in its place, and answers
    that broke the contract."""
    shoppers: int
    """Distinct shoppers it answered."""
    p50_ms: float
    p99_ms: float
    p99_low_ms: float
    """The p99 is at least this, with 99 % confidence."""
    trips: int
    """Answered trips with a known outcome."""
    hits: int
    """Items of the answers that were bought on those trips."""
    hits_per_trip_se: float
    """Standard error of hits / trips, clustered by shopper."""
    fallbacks: int = 0
    """Answers that came from a fallback instead of the model."""
    list_overlap: float = 0.0
    """Share of a shopper's list that another shopper's list has too, mean over all pairs of shoppers, [0, 1]."""
    violations: int = 0
    """Of `errors`, answers that broke the contract (model/serving/contract.py)."""
    refused: int = 0
    """Besides `requests`: those that it refused as bad (4xx)."""
    recent_requests: int = 0
    """Of the last minute, those it refused included."""
    recent_failures: int = 0
    """Of those, errors and refused ones."""
    restarts: int = 0
    """Containers of its servers that ended by themselves, for lack of memory too."""
    memory_mb: float = 0.0
    """Of its largest server; 0 where it is not known."""

    @property
    def hits_per_trip(self) -> float:
        return self.hits / self.trips if self.trips else 0.0

    @property
    def fallback_percent(self) -> float:
        return 100 * self.fallbacks / self.requests if self.requests else 0.0


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Both versions during one step."""

    stable: VersionEvidence
    canary: VersionEvidence
    canary_ready: bool = True
    """Whether the canary passes its readiness check now."""
    agreement: float | None = None
    """Share of a canary's list that stable's answer to the same request has too, mean over the requests that were
    sent to both; None when there was none."""
    age_s: float = 0.0
    """Since the rollout began, seconds."""
    share_age_s: float = 0.0
    """Since the current share was set, seconds."""
    probe_failures: tuple[str, ...] = ()
    """What is wrong with the canary's answers to made-up shoppers, asked from outside."""
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    """{name of a metric of the plan: its value}; None where it has none."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Requests that are no evidence, by reason."""
