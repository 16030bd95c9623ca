"""All settings of a run. Each field says its unit and range; each class checks itself when built."""

import dataclasses
import datetime
import itertools
from typing import Any, Literal, Self

from tfx_configs.evaluation import BASELINES
from tfx_configs.frozen import Settings, check
from tfx_configs.labels import LabelSettings
from tfx_configs.rerank import RerankSettings
from tfx_configs.validation import ValidationSettings

HOUR_S = 3600
DAY_S = 86_400
Start = Literal["scratch", "refresh", "warm"]
MOST_CANDIDATES = 4096
"""Of one request, from any source or from all."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataSettings(Settings):
    """Where events come from and where time is split."""

    source: Literal["complete_journey", "movielens", "canonical"] = "complete_journey"
    path: str = ""
    """Directory of the source's files; empty: The Complete Journey's Python package."""
    engine: Literal["duckdb", "spark"] = "duckdb"
    """What ingest and trip building run on."""
    memory_gb: float = 6.0
    """Memory of the engine; what does not fit goes to disk, GB, at least 0.5."""
    spark_master: str = "local[2]"
    """Where Spark runs: a Spark master URL."""
    cut_date: str | None = None
    """First day (UTC, YYYY-MM-DD) of the test span; None: `test_days` before the last event."""
    test_days: int = 28
    """Length of the test span and of the replay, days, 1 to 365."""
    sample_percent: float = 100.0
    """Share of shoppers kept, chosen by a hash of the user id, percent, (0, 100]."""
    max_dropped_percent: float = 5.0
    """Ingest fails when it would drop more than this share of event rows, percent, [0, 100]."""

    def __post_init__(self) -> None:
        check(1 <= self.test_days <= 365, "test_days", "1 to 365", self.test_days)
        check(0 < self.sample_percent <= 100, "sample_percent", "above 0, at most 100", self.sample_percent)
        check(0 <= self.max_dropped_percent <= 100, "max_dropped_percent", "0 to 100", self.max_dropped_percent)
        check(self.memory_gb >= 0.5, "memory_gb", "at least 0.5", self.memory_gb)
        has_source = bool(self.path) or self.source == "complete_journey"
        check(has_source, "path", f"a directory with source {self.source}", self.path)
        if self.cut_date is not None:
            try:
                datetime.date.fromisoformat(self.cut_date)
            except ValueError:
                check(False, "cut_date", "a date like 2017-12-04", self.cut_date)


@dataclasses.dataclass(frozen=True, kw_only=True)
class FeatureSettings(Settings):
    """How raw history becomes model input; part of the exported model, the same in training and serving."""

    max_history: int = 2048
    """Most recent events of a shopper that the model sees, 1 to 65536."""
    trip_gap_hours: float = 4.0
    """Events further apart than this are different trips, hours, above 0."""
    half_lives_days: tuple[float, ...] = (7.0, 30.0, 60.0, 120.0)
    """Half-lives of the decayed counts, days, above 0, ascending."""
    max_attributes: int = 6
    """Item attributes used, most informative first, 0 to 16."""
    min_item_count: int = 5
    """Training purchases an item needs for a vocabulary entry of its own, at least 1."""
    oov_buckets: int | None = None
    """Hash buckets shared by rarer and unseen ids, at least 1; None: as many as their purchases can teach."""

    def __post_init__(self) -> None:
        check(1 <= self.max_history <= 65_536, "max_history", "1 to 65536", self.max_history)
        check(self.trip_gap_hours > 0, "trip_gap_hours", "above 0", self.trip_gap_hours)
        lives = self.half_lives_days
        ascending = all(a < b for a, b in itertools.pairwise(lives))
        check(bool(lives) and lives[0] > 0 and ascending, "half_lives_days", "positive, ascending", lives)
        check(0 <= self.max_attributes <= 16, "max_attributes", "0 to 16", self.max_attributes)
        check(self.min_item_count >= 1, "min_item_count", "at least 1", self.min_item_count)
        enough = self.oov_buckets is None or self.oov_buckets >= 1
        check(enough, "oov_buckets", "at least 1, or None", self.oov_buckets)


@dataclasses.dataclass(frozen=True, kw_only=True)
class CandidateSettings(Settings):
    """Sizes of the candidate sources; everything that the shopper bought before joins them."""

    retrieved: int = 1500
    """Items from the two towers, 1 to 4096; an answer asks for as many as it can rank
    (model/package/loaded_model.py)."""
    popular: int = 60
    """Recently popular items, 1 to 4096."""
    limit: int = 200
    """Of the union, the most promising, which the ranker learns from, 1 to 4096."""
    ranked: int = 112
    """Of these, the most promising again, which are ranked for an answer, 1 to 4096."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            check(1 <= value <= MOST_CANDIDATES, field.name, f"1 to {MOST_CANDIDATES}", value)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainSettings(Settings):
    """Two towers, then the ranker."""

    start: Start = "scratch"
    """scratch: nothing is known before; refresh: a parent's weights as they are, on a new catalog; warm: the same, then
    one epoch at a lower rate on the trips since the parent learned."""
    seed: int = 7
    dimension: int = 32
    """Width of the towers' output, 4 to 512."""
    retrieval_epochs: int = 3
    retrieval_batch: int = 256
    """Trips a step; what the other trips bought are the negatives, 16 to 65536."""
    uniform_negatives: int = 1024
    """Items drawn uniformly a step, negatives beside those, 0 to 65536."""
    temperature: float = 0.1
    """Divides the in-batch logits, above 0."""
    ranking_days: int = 140
    """Trips this close before the cut train the ranker (at most half of all the time before it), days, at least 7."""
    ranking_epochs: int = 1
    ranking_batch: int = 64
    """Trips a step, 1 to 4096."""
    negative_percent: float = 60.0
    """Share of negative candidates kept in ranker training, percent, (0, 100]."""
    new_only_percent: float = 25.0
    """Share of the ranker's training trips from which it learns to order what is new to the shopper alone, percent,
    [0, 100)."""
    valid_days: int = 7
    """Last days before the cut, held out of training to watch the loss, at least 1, below ranking_days."""

    def __post_init__(self) -> None:
        check(4 <= self.dimension <= 512, "dimension", "4 to 512", self.dimension)
        check(self.retrieval_epochs >= 1, "retrieval_epochs", "at least 1", self.retrieval_epochs)
        check(16 <= self.retrieval_batch <= 65_536, "retrieval_batch", "16 to 65536", self.retrieval_batch)
        check(0 <= self.uniform_negatives <= 65_536, "uniform_negatives", "0 to 65536", self.uniform_negatives)
        check(self.temperature > 0, "temperature", "above 0", self.temperature)
        check(self.ranking_days >= 7, "ranking_days", "at least 7", self.ranking_days)
        check(self.ranking_epochs >= 1, "ranking_epochs", "at least 1", self.ranking_epochs)
        check(1 <= self.ranking_batch <= 4096, "ranking_batch", "1 to 4096", self.ranking_batch)
        check(0 < self.negative_percent <= 100, "negative_percent", "above 0, at most 100", self.negative_percent)
        check(0 <= self.new_only_percent < 100, "new_only_percent", "0 to below 100", self.new_only_percent)
        check(1 <= self.valid_days < self.ranking_days, "valid_days", "1 to ranking_days", self.valid_days)


@dataclasses.dataclass(frozen=True, kw_only=True)
class GateSettings(Settings):
    """What a candidate must show to be blessed. Ratios are candidate over reference on the same trips."""

    baselines: tuple[str, ...] = BASELINES
    """Exported and evaluated beside the candidate, which must beat the best of them: names that
    components/train/baselines/export.py knows, BASELINES (tfx_configs/evaluation.py) among them."""
    min_ratio_to_baseline: float = 1.0
    """recall@10 and ndcg@10 over the best baseline's, at least."""
    min_lead_low_percent: float = 0.0
    """Lower end of the 95 % interval of that lead, percent: at 0 the lead is no chance."""
    min_ratio_to_blessed: float = 0.98
    """ndcg@10 over the blessed model's, overall."""
    min_slice_trips: int = 100
    """Slices with fewer trips are shown and not judged, at least 1."""
    max_slice_loss_percent: float = 5.0
    """ndcg@10 in a slice against the best baseline and the blessed model: the 95 % interval must not lie wholly beyond
    this loss, percent, [0, 100]."""
    min_slice_ratio: float = 0.80
    """The same as a plain ratio, whatever the interval."""
    min_coverage: float = 0.01
    """Share of the catalog's active items in somebody's top 10, [0, 1]."""
    max_calibration_error: float = 0.03
    """calibration_error@10 (model/evaluation/ranking_metrics.py), [0, 1]; at three cuts 0.008 to 0.014 (0.022 to 0.026
    without Platt)."""
    max_calibration_factor: float = 1.25
    """Purchases expected over made, or the reverse, 1 or more; at three cuts 0.98 to 1.09 (0.83 to 0.87 without)."""
    max_latency_ms: float = 50.0
    """Median of one recommendation by the exported model, in process, milliseconds, above 0."""
    max_size_mb: float = 500.0
    """Exported model directory, MB, above 0."""

    def __post_init__(self) -> None:
        check(set(BASELINES) <= set(self.baselines), "baselines", f"{' and '.join(BASELINES)} in it", self.baselines)
        check(self.min_ratio_to_baseline > 0, "min_ratio_to_baseline", "above 0", self.min_ratio_to_baseline)
        check(self.min_ratio_to_blessed > 0, "min_ratio_to_blessed", "above 0", self.min_ratio_to_blessed)
        check(self.min_slice_trips >= 1, "min_slice_trips", "at least 1", self.min_slice_trips)
        loss = self.max_slice_loss_percent
        check(0 <= loss <= 100, "max_slice_loss_percent", "0 to 100", loss)
        check(self.min_slice_ratio > 0, "min_slice_ratio", "above 0", self.min_slice_ratio)
        error, factor = self.max_calibration_error, self.max_calibration_factor
        check(0 <= error <= 1, "max_calibration_error", "0 to 1", error)
        check(factor >= 1, "max_calibration_factor", "at least 1", factor)
        check(0 <= self.min_coverage <= 1, "min_coverage", "0 to 1", self.min_coverage)
        check(self.max_latency_ms > 0, "max_latency_ms", "above 0", self.max_latency_ms)
        check(self.max_size_mb > 0, "max_size_mb", "above 0", self.max_size_mb)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RolloutSettings(Settings):
    """The plan of a canary rollout."""

    percents: tuple[int, ...] = (10, 50, 100)
    """Canary share at each step, percent, ascending, ending with 100."""
    min_canary_requests: int = 100
    """Canary answers each step must see before it is judged, at least 1."""
    max_error_percent: float = 1.0
    """Failed canary requests, percent, [0, 100]."""
    max_p99_ratio: float = 2.0
    """Canary p99 latency over stable's, above 0; judged only above `p99_floor_ms`."""
    p99_floor_ms: float = 50.0
    """Latency that is fine whatever stable's is, milliseconds."""
    max_fallback_points: float = 5.0
    """Answers from a fallback: the canary's share above stable's, percentage points, [0, 100]."""
    max_list_overlap: float = 0.9
    """Share of a shopper's list that another's has too, mean over pairs, [0, 1]; as much as stable's is always fine."""
    min_agreement: float = 0.0
    """Share of the canary's items that stable's answer to the same request has too, [0, 1]; 0: not asked."""
    outcome_alpha: float = 0.05
    """Probability that an equal model is rolled back or a model at `min_outcome_ratio` passes for its outcomes, however
    often they are looked at, (0, 0.5]."""
    min_outcome_ratio: float = 0.8
    """Canary hits per trip over stable's: proven to be above this before 100 %, [0, 1); 0: nothing to prove."""
    max_age_hours: float = 336.0
    """A rollout undecided for longer is rolled back, hours, above 0."""
    split_alpha: float = 0.001
    """Significance of the always-valid test that the observed split is the declared one, (0, 0.1]."""

    def __post_init__(self) -> None:
        steps = self.percents
        ascending = all(a < b for a, b in itertools.pairwise(steps))
        check(bool(steps) and steps[0] > 0 and ascending and steps[-1] == 100, "percents", "ascending to 100", steps)
        check(self.min_canary_requests >= 1, "min_canary_requests", "at least 1", self.min_canary_requests)
        check(0 <= self.max_error_percent <= 100, "max_error_percent", "0 to 100", self.max_error_percent)
        check(self.max_p99_ratio > 0, "max_p99_ratio", "above 0", self.max_p99_ratio)
        check(self.p99_floor_ms >= 0, "p99_floor_ms", "at least 0", self.p99_floor_ms)
        check(0 <= self.max_fallback_points <= 100, "max_fallback_points", "0 to 100", self.max_fallback_points)
        check(0 <= self.max_list_overlap <= 1, "max_list_overlap", "0 to 1", self.max_list_overlap)
        check(0 <= self.min_agreement <= 1, "min_agreement", "0 to 1", self.min_agreement)
        check(0 < self.outcome_alpha <= 0.5, "outcome_alpha", "above 0, at most 0.5", self.outcome_alpha)
        check(0 <= self.min_outcome_ratio < 1, "min_outcome_ratio", "0 to below 1", self.min_outcome_ratio)
        check(self.max_age_hours > 0, "max_age_hours", "above 0", self.max_age_hours)
        check(0 < self.split_alpha <= 0.1, "split_alpha", "above 0, at most 0.1", self.split_alpha)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunSettings(Settings):
    """Everything one run of the pipeline depends on."""

    data: DataSettings = DataSettings()
    validation: ValidationSettings = dataclasses.field(default_factory=ValidationSettings)
    labels: LabelSettings = dataclasses.field(default_factory=LabelSettings)
    features: FeatureSettings = FeatureSettings()
    candidates: CandidateSettings = CandidateSettings()
    train: TrainSettings = TrainSettings()
    rerank: RerankSettings = dataclasses.field(default_factory=RerankSettings)
    gate: GateSettings = GateSettings()
    rollout: RolloutSettings = RolloutSettings()
    replay_requests: int = 2000
    """Trips of the test span replayed as traffic, spread over the rollout's steps, at least 30."""

    def __post_init__(self) -> None:
        check(self.replay_requests >= 30, "replay_requests", "at least 30", self.replay_requests)

    def training(self, **changes: Any) -> Self:
        """The same run with other values for these fields of `train`."""
        return dataclasses.replace(self, train=dataclasses.replace(self.train, **changes))
