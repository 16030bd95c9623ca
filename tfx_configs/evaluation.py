"""What the evaluation measures, slices by, and lets the gate judge."""

from pydantic import Field

from tfx_configs.frozen import Count, Settings

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
DEFAULT_BASELINES = (*BASELINES, "popular_unseen", "item_knn")
"""What a run evaluates where nothing is measured before the cut, and of a large shop: the last two are strong where
little is bought again, and quick."""

ALWAYS_SLICES = ("shopper", "activity", "basket", "errand")
"""Slicings that any data has; the others need attributes, several stores or several weeks."""

MAX_TFMA_DIFFERENCE = 1e-6
"""TFMA's values and ours are computed by two routes; further apart than this means one is wrong."""


class EvaluationSettings(Settings):
    """How the evaluation is carried out; none of it changes what a metric means."""

    seed: int = 7
    bootstrap_rounds: int = Field(1000, ge=100)
    """Resamples for each confidence interval."""
    batch: int = Field(64, ge=1, le=4096)
    """Requests a model call."""
    latency_requests: Count = 100
    """Single-request calls timed on the candidate."""
    top_values: Count = 6
    """Stores, and departments, that get a slice of their own; the rest share `other`."""
