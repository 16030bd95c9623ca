"""What the evaluation measures, slices by, and lets the gate judge."""

import dataclasses

from tfx_configs.frozen import Settings, check

LIST_LENGTH = 20
"""Recommendations taken from each model for each trip: the largest k of any metric."""

GATE_METRICS = ("recall@10", "ndcg@10")
"""The candidate must match the best baseline on these."""
REGRESSION_METRIC = "ndcg@10"
"""Compared with the stable model, and in every slice."""

CANDIDATE = "aisle"
STABLE = "blessed"
"""Names of the models in an evaluation; files keep the stable model's first name."""
BASELINES = ("popularity", "personal_frequency")
"""Every run evaluates these; a gate without them would be too easy."""

ALWAYS_SLICES = ("shopper", "activity", "basket", "errand")
"""Slicings that any data has; the others need attributes, several stores or several weeks."""

MAX_TFMA_DIFFERENCE = 1e-6
"""TFMA's values and ours are computed by two routes; further apart than this means one is wrong."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluationSettings(Settings):
    """How the evaluation is carried out; none of it changes what a metric means."""

    seed: int = 7
    bootstrap_rounds: int = 1000
    """Resamples for each confidence interval, at least 100."""
    batch: int = 64
    """Requests a model call, 1 to 4096."""
    latency_requests: int = 100
    """Single-request calls timed on the candidate, at least 1."""
    top_values: int = 6
    """Stores, and departments, that get a slice of their own; the rest share `other`, at least 1."""

    def __post_init__(self) -> None:
        check(self.bootstrap_rounds >= 100, "bootstrap_rounds", "at least 100", self.bootstrap_rounds)
        check(1 <= self.batch <= 4096, "batch", "1 to 4096", self.batch)
        check(self.latency_requests >= 1, "latency_requests", "at least 1", self.latency_requests)
        check(self.top_values >= 1, "top_values", "at least 1", self.top_values)
