"""All settings of a run."""

import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from tfx_configs.beam import BeamSettings
from tfx_configs.evaluation import BASELINES
from tfx_configs.frozen import (
    Count,
    Factor,
    FrozenWords,
    Must,
    Percent,
    Positive,
    Settings,
    Share,
    Words,
    ascending,
    check,
)
from tfx_configs.labels import LabelSettings
from tfx_configs.rerank import RerankSettings
from tfx_configs.resources import ResourceSettings, Size, sizes
from tfx_configs.rollout import RolloutSettings
from tfx_configs.tracking import TrackingSettings
from tfx_configs.validation import ValidationSettings

Start = Literal["scratch", "refresh", "warm"]
AUTO = "auto"
Task = Literal["auto", "next_basket", "next_new_item", "rest_of_session"]
MOST_CANDIDATES = 4096
"""Of one request, from any source or from all."""
Candidates = Annotated[int, Field(ge=1, le=MOST_CANDIDATES)]


IGNORE = "ignore"
EVENT_WORDS = ("purchase", "return", "view", "cart", IGNORE)
"""What an export's event type can be mapped to."""


def is_date(text: str | None) -> bool:
    """True for a date like 2017-12-04, and for none at all."""
    try:
        return text is None or bool(datetime.date.fromisoformat(text))
    except ValueError:
        return False


class DataSettings(Settings):
    """Where events come from and where time is split."""

    source: Literal["complete_journey", "movielens", "canonical"] = "complete_journey"
    """Format of the tables: The Complete Journey, MovieLens, or the canonical tables of docs/reference/tables.md."""
    path: str = ""
    """Directory of the source's files; empty: The Complete Journey's Python package."""
    engine: Literal["duckdb", "spark"] = "duckdb"
    """What ingest and trip building run on."""
    memory_gb: float = Field(6.0, ge=0.5)
    """Memory of the engine, of which the stage examples gives it a third; what does not fit goes to disk, GB."""
    spark_master: str = "local[2]"
    """Where Spark runs: a Spark master URL."""
    spark_remote: str = ""
    """A Spark Connect server (sc://HOST:15002) whose cluster does the work, in place of `spark_master`; it and its
    executors see the same paths as the step."""
    cut_date: Annotated[str | None, Must("a date like 2017-12-04", is_date)] = None
    """First day (UTC, YYYY-MM-DD) of the test span; null: `test_days` before the last event."""
    test_days: Annotated[int | None, Field(ge=1, le=365)] = None
    """Length of the test span and of the replay, days; null: 28, but at most a quarter of the days that there are."""
    sample_percent: float = Field(100.0, gt=0, le=100)
    """Share of shoppers in the run, chosen by a hash of the user id, percent."""
    max_dropped_percent: Percent = 5.0
    """Ingest fails when it would drop more than this share of event rows, percent."""
    columns: Words = FrozenWords()
    """The export's names of columns to those of docs/reference/tables.md, in every table that has the column;
    `items.id` is the column `id` of the items alone."""
    event_types: Annotated[
        Words, Must(f"values out of {', '.join(EVENT_WORDS)}", lambda words: set(words.values()) <= set(EVENT_WORDS))
    ] = FrozenWords()
    """The export's words for what happened to ours; `ignore` leaves such events out."""
    day_first: bool | None = None
    """Of text dates like 03-04-2015, where no row decides: true: 3 April; false: 4 March; null: ingest asks."""
    guest_ids: tuple[str, ...] = ()
    """User ids that stand for many anonymous shoppers: each of their baskets becomes an anonymous visit."""

    @model_validator(mode="after")
    def _has_its_directory(self) -> Self:
        check(
            bool(self.path) or self.source == "complete_journey",
            "path",
            f"a directory with source {self.source}",
            self.path,
        )
        return self


class FeatureSettings(Settings):
    """How raw history becomes model input; part of the exported model, the same in training and serving."""

    max_history: int = Field(2048, ge=1, le=65_536)
    """Most recent events of a shopper that the model sees."""
    trip_gap_hours: Positive = 4.0
    """Events further apart than this are different trips, hours."""
    half_lives_days: Annotated[tuple[Positive, ...], Must("each above 0, ascending", ascending)] = (
        7.0,
        30.0,
        60.0,
        120.0,
    )
    """Half-lives of the decayed counts, days."""
    max_attributes: int = Field(6, ge=0, le=16)
    """Item attributes used, most informative first."""
    min_item_count: Count = 5
    """Training purchases an item needs for a vocabulary entry of its own."""
    oov_buckets: Annotated[int | None, Field(ge=1)] = None
    """Hash buckets shared by rarer and unseen ids; null: as many as their purchases can teach."""


class CandidateSettings(Settings):
    """Sizes of the candidate sources; everything that the shopper bought before joins them."""

    retrieved: Candidates = 1500
    """Items from the two towers; an answer asks for as many as it can rank (model/package/loaded_model.py)."""
    together: Candidates = 60
    """Items that often go together with the shopper's last purchases."""
    popular: Candidates = 60
    """Recently popular items."""
    limit: Candidates = 200
    """Of the union, the most promising, which the ranker learns from."""
    ranked: Candidates = 112
    """Of these, the most promising again, which are ranked for an answer."""


class TrainSettings(Settings):
    """Two towers, then the ranker."""

    start: Start = "scratch"
    """scratch: from random weights; refresh: a parent's weights as they are, on a new catalog; warm: the same, then
    one epoch at a lower rate on the trips since the parent learned."""
    seed: int = 7
    """Of weights, batches and samples."""
    dimension: int = Field(32, ge=4, le=512)
    """Width of the towers' output."""
    query: Literal["auto", "taste", "sequence"] = "auto"
    """How the towers read a shopper. taste: decayed sums of the history; sequence: a causal encoder of the last events
    in their order; auto: where little is bought twice, what finds more on trips before the cut, else taste."""
    retrieval_epochs: Annotated[int | None, Field(ge=1)] = None
    """Passes of the towers over their trips; null: from the number of trips, 3 to 30 (components/train/schedule.py)."""
    retrieval_batch: Annotated[int | None, Field(ge=16, le=65_536)] = None
    """Trips a step, of which the others' purchases are the negatives; null: from the number of trips, 16 to 256."""
    uniform_negatives: int = Field(1024, ge=0, le=65_536)
    """Items drawn uniformly a step, negatives beside those."""
    temperature: Positive = 0.1
    """Divides the in-batch logits."""
    ranking_days: int = Field(140, ge=7)
    """Trips this close before the cut train the ranker (at most half of all the time before it), days."""
    ranking_epochs: Annotated[int | None, Field(ge=1)] = None
    """Passes of the ranker over its trips; null: from the number of trips, 1 to 10."""
    ranking_batch: Annotated[int | None, Field(ge=1, le=4096)] = None
    """Trips a step; null: from the number of trips, 16 to 64."""
    negative_percent: float = Field(60.0, gt=0, le=100)
    """Share of negative candidates that the ranker learns from, percent."""
    new_only_percent: float = Field(25.0, ge=0, lt=100)
    """Share of the ranker's training trips from which it learns to order what is new to the shopper alone,
    percent."""
    valid_days: Count = 7
    """Last days before the cut, held out of training to watch the loss, fewer than `ranking_days`; at most a quarter of
    the days that train the ranker, and more where they hold few trips (components/train/trip_split.py)."""

    @model_validator(mode="after")
    def _leaves_days_to_learn_from(self) -> Self:
        check(self.valid_days < self.ranking_days, "valid_days", "below ranking_days", self.valid_days)
        return self


class GateSettings(Settings):
    """What a candidate must show to be blessed. Ratios are candidate over reference on the same trips."""

    baselines: Annotated[
        tuple[str, ...] | None,
        Must(f"{' and '.join(BASELINES)} in it", lambda names: names is None or set(BASELINES) <= set(names)),
    ] = None
    """Exported and evaluated beside the candidate, which must beat the best of them: names of
    components/train/baselines/export.py; null: these two, and the best two of all others before the cut."""
    min_ratio_to_baseline: Positive = 1.0
    """recall@10 and ndcg@10 over the best baseline's, at least."""
    min_lead_low_percent: float = 0.0
    """Lower end of the 95 % interval of that lead, percent: at 0 the lead is no chance."""
    min_ratio_to_blessed: Positive = 0.98
    """ndcg@10 over the blessed model's, overall."""
    min_slice_trips: Count = 100
    """Slices with fewer trips are shown and not judged."""
    max_slice_loss_percent: Percent = 5.0
    """ndcg@10 in a slice against the best baseline and the blessed model: the 95 % interval must not lie wholly beyond
    this loss, percent."""
    min_slice_ratio: Positive = 0.80
    """The same as a plain ratio, regardless of the interval."""
    min_coverage: Share = 0.01
    """Share of the catalog's active items in the top 10 of at least one shopper."""
    max_calibration_error: Share = 0.03
    """calibration_error@10 (model/evaluation/ranking_metrics.py); at three cuts 0.008 to 0.014 (0.022 to 0.026
    without Platt)."""
    max_calibration_factor: Factor = 1.25
    """Purchases expected over made, or the reverse; at three cuts 0.98 to 1.09 (0.83 to 0.87 without)."""
    max_latency_ms: Positive = 50.0
    """Median of one recommendation by the exported model, in process, milliseconds."""
    max_size_mb: Positive = 500.0
    """Exported model directory, MB."""


class RunSettings(Settings):
    """Everything one run of the pipeline depends on."""

    data: DataSettings = DataSettings()
    validation: ValidationSettings = ValidationSettings()
    labels: LabelSettings = LabelSettings()
    features: FeatureSettings = FeatureSettings()
    candidates: CandidateSettings = CandidateSettings()
    train: TrainSettings = TrainSettings()
    rerank: RerankSettings = RerankSettings()
    gate: GateSettings = GateSettings()
    rollout: RolloutSettings = RolloutSettings()
    beam: BeamSettings = BeamSettings()
    resources: ResourceSettings = ResourceSettings()
    tracking: TrackingSettings = TrackingSettings()
    task: Task = "auto"
    """What is recommended, judged and served. auto: what fits the data (model/data/task.py); next_basket: repeats and
    new items; next_new_item: without what the shopper has; rest_of_session: what follows the first events of a
    session."""
    replay_requests: int = Field(2000, ge=30)
    """Trips of the test span replayed as traffic, spread over the rollout's steps."""

    @property
    def sizes(self) -> dict[str, Size]:
        """{step: what its pod asks for}."""
        return sizes(self.resources.events, self.data.memory_gb)

    def training(self, **changes: Any) -> Self:
        """The same run with other values for these fields of `train`."""
        return self.replace(train=self.train.replace(**changes))
