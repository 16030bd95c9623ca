"""The training record: how a model was trained, in its directory and in its card."""

from typing import Any

from components.artifacts.artifact import Artifact, Record
from model.package.manifest import TRAINING
from tfx_configs.settings import Start


class Epoch(Record):
    """Mean losses of one epoch."""

    loss: float | None = None
    val_loss: float | None = None
    """On the held-out trips, where there are any."""
    parts: tuple[float, ...] = ()
    """The training loss of each tenth of the epoch."""


class PreRankerFit(Record):
    """What the pre-ranker learned from; `bought` of the entries."""

    trips: int
    entries: int
    bought: int


class Calibration(Record):
    """The line through the log-odds, and the candidates that it was fitted on; `bought` of the listed ones."""

    slope: float
    offset: float
    listed: int
    bought: int


class TrainingRecord(Artifact, file=TRAINING, stage="train"):
    """How a model began, what it learned from, and its losses. What did not take place is None."""

    start: Start
    parent: str | None = None
    """Version of the model that it started from."""
    learned_until_s: int
    """The weights know purchases before this moment, unix seconds; earlier than the cut after a refresh."""
    train_trips: int | None = None
    """Of the ranker."""
    valid_trips: int | None = None
    curves: dict[str, tuple[Epoch, ...]] = {}
    """{"towers", "ranker": losses by epoch}"""
    query: str = "taste"
    """How the towers read a shopper: `train.query`, or what it chose."""
    query_recall: dict[str, float] = {}
    """{query: what its towers found of what was new}, where there was a choice."""
    warnings: tuple[str, ...] = ()
    """Why a network may have learned too little."""
    preranker: PreRankerFit | None = None
    calibration: Calibration | None = None
    settings: dict[str, Any] | None = None
    """TrainStage (tfx_configs/stages.py) as JSON; RunSettings in earlier models."""

    @property
    def figures(self) -> dict[str, float]:
        """What KFP shows of the step: the ranker's last losses, where it learned."""
        last = self.curves.get("ranker", (Epoch(),))[-1]
        losses = {"ranker_loss": last.loss, "ranker_val_loss": last.val_loss}
        return {name: value for name, value in losses.items() if value is not None}

    def as_json(self) -> dict[str, Any]:
        """The record as JSON, without what did not take place."""
        return self.model_dump(mode="json", exclude_none=True, exclude={"settings"}) | (
            {} if self.settings is None else {"settings": self.settings}
        )
