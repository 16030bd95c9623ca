"""The monitor's report: the result of every check, quality by version, and the training that is due."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, computed_field, model_validator

from components.artifacts.artifact import Artifact, Number, Record
from tfx_configs.monitoring import FORMER_TRAINING, MonitorSettings, Severity, Training

Status = Literal["failed", "ok", "unknown"]
"""Worst first."""
TrainingKind = Annotated[Training, BeforeValidator(lambda word: FORMER_TRAINING.get(str(word), word))]
"""A kind of training; former words are read too."""


class CheckDescription(Record):
    """What a check is, for people."""

    group: str
    severity: Severity
    what: str
    basis: str
    """Where the limits come from."""
    to_do: str


class CheckResult(CheckDescription):
    """One check of one window."""

    check: str
    window_days: int
    """0: of the moment."""
    status: Status
    value: Number
    value_low: Number
    value_high: Number
    """The value's 95 % interval; the value itself where it has no error."""
    low: Number
    high: Number
    """Limits; None: no bound."""
    history: tuple[float, ...]
    """The same figure in good windows, newest first."""
    why: str = ""
    """Of an unknown status: what was missing. Of an ok figure outside its limits: why it is ok."""


class WindowSummary(Record):
    """Rows in one window; `begin` and `end` are RFC 3339."""

    days: int
    begin: str
    end: str
    visits: int
    closed: int
    purchases: int


class Interval(Record):
    """A figure and its 95 % interval."""

    value: float
    low: Number
    high: Number


class QualitySlice(Record):
    """Quality of one version in one slice of its closed visits; the slicing `all` is the whole version."""

    version: str
    slicing: str
    slice: str
    visits: int
    metrics: dict[str, Interval | None]

    @model_validator(mode="before")
    @classmethod
    def _nest_metrics(cls, row: Any) -> Any:
        """Earlier releases wrote each metric as a key of the row itself."""
        if not isinstance(row, dict) or "metrics" in row:
            return row
        return row | {"metrics": {name: value for name, value in row.items() if name not in cls.model_fields}}


class Evidence(Record):
    """What the retraining policy decides on."""

    data_until_s: float
    """The last event that a run could learn from, unix seconds."""
    trained_until_s: float
    """The cut of the active model, unix seconds."""
    asked: TrainingKind = "none"
    """What an operator requests."""
    schema_changed: bool = False
    """The tables' schema is not the one that the model was made for."""
    quality: tuple[str, ...] = ()
    """Failed checks of the model's quality."""
    drift: tuple[str, ...] = ()
    """Failed checks of skew and drift."""
    new_item_share: float = 0.0
    """Share of purchases of items without a purchase in the model's snapshot, [0, 1]."""


class RetrainDecision(Record):
    """What to start, and why."""

    train: TrainingKind
    reasons: tuple[str, ...]


class MonitorReport(Artifact, file="monitor.json", stage="monitor"):
    """What `components.monitor.run.monitor` measured as of one moment; `now` and `cut` are RFC 3339."""

    now: str
    cut: str
    windows: tuple[WindowSummary, ...]
    checks: tuple[CheckResult, ...]
    """Every check of every window."""
    versions: tuple[QualitySlice, ...]
    settings: MonitorSettings
    evidence: Evidence
    retrain: RetrainDecision
    seconds: float
    """Wall time of the run."""

    @property
    def now_s(self) -> float:
        """`now` in unix seconds."""
        return datetime.fromisoformat(self.now).timestamp()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def worst(self) -> list[CheckResult]:
        """One result a check, failed checks first."""
        return worst(self.checks)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def failed(self) -> list[str]:
        """Names of the failed checks."""
        return [result.check for result in self.worst if result.status == "failed"]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def unknown(self) -> list[str]:
        """Names of the checks that could not be judged."""
        return [result.check for result in self.worst if result.status == "unknown"]


def worst(results: Iterable[CheckResult]) -> list[CheckResult]:
    """One result a check: a failed one before an ok one before an unknown one, the shorter window first."""
    of_check: dict[str, CheckResult] = {}
    for result in sorted(results, key=lambda each: (get_args(Status).index(each.status), each.window_days)):
        of_check.setdefault(result.check, result)
    return list(of_check.values())
