"""What is recorded: a version of the model, and a trial of a study."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

State = Literal["done", "pruned", "failed"]
RUN_STATUS: Mapping[State, str] = {"done": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}
"""Of a trial's run, in both servers."""


@dataclass(frozen=True, kw_only=True)
class TrackedVersion:
    """One version of the model and the verdict on it."""

    version: str
    package: str
    """Address of the model directory."""
    blessed: bool
    facts: Mapping[str, str]
    metrics: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class TrackedTrial:
    """One trial that has ended. Times are milliseconds since 1970."""

    name: str
    """No other trial of any study has it."""
    state: State
    params: Mapping[str, str]
    facts: Mapping[str, str]
    metrics: Mapping[str, float]
    began_ms: int
    ended_ms: int


def plain_name(metric: str) -> str:
    """The name of a metric without @, which MLflow and Katib refuse: ndcg@10 -> ndcg_at_10."""
    return metric.replace("@", "_at_")
