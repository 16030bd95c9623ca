"""What every model takes and gives, in evaluation and in serving alike."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import numpy as np

SOURCES = ("bought_before", "often_together", "similar_taste", "popular")
"""Reasons, in the order in which the sources are listed: an item of several counts for the first."""
RECENT_EVENTS = 64
"""Events of a history that the query tower reads, the last ones."""


class Rung(StrEnum):
    """What made an answer, from the best to the cheapest.

    Example:
        >>> Rung("fewer_candidates") is Rung.FEWER
        True
    """

    FULL = "full"
    FEWER = "fewer_candidates"
    PERSONAL = "personal_frequency"
    POPULAR = "popular"


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One shopper at one moment.

    Example:
        >>> import numpy as np
        >>> request = Request(
        ...     user_id="ann",
        ...     time_s=1_700_000_000,
        ...     history_item=["milk", "bread"],
        ...     history_time=np.array([1_699_000_000, 1_699_900_000]),
        ...     exclude=["tea"],
        ...     new_only=True,
        ... )
        >>> sorted(request.barred())
        ['bread', 'milk', 'tea']
    """

    user_id: str
    time_s: int
    """The moment of the request, unix seconds."""
    history_item: Sequence[str]
    """[H] item ids bought strictly before `time_s`, oldest first."""
    history_time: np.ndarray
    """[H] int64 unix seconds, ascending."""
    store_id: str = ""
    k: int = 10
    exclude: Sequence[str] = field(default=())
    """Item ids that must not be in the answer."""
    new_only: bool = False
    """The answer is to hold only what the shopper has not bought before."""
    detail: bool = False
    """The answer also reports what was ranked."""

    def barred(self) -> set[str]:
        """Item ids that are not in the answer, whatever they would score."""
        return {*self.exclude, *self.history_item} if self.new_only else set(self.exclude)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranked:
    """Every candidate that was ranked, best first, before rules and re-ranking.

    Example:
        >>> ranked = Ranked(item_ids=["milk", "tea"], scores=[0.5, 0.1], reasons=["bought_before", "popular"])
        >>> dict(zip(ranked.item_ids, ranked.scores, strict=True))
        {'milk': 0.5, 'tea': 0.1}
    """

    item_ids: list[str]
    scores: list[float]
    reasons: list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Unknown:
    """What of one request the model has never seen.

    Example:
        >>> Unknown(shopper=True, store=False, history_items=2, exclude_items=0)
        Unknown(shopper=True, store=False, history_items=2, exclude_items=0)
    """

    shopper: bool
    """The model has no row for this shopper: only the history describes them."""
    store: bool
    """A store was named, and it is unknown."""
    history_items: int
    """Events whose item is not in the catalog: they are as if they had not been."""
    exclude_items: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """At most k items, best first, no duplicates.

    Example:
        >>> answer = Answer(item_ids=["milk", "tea"], scores=[0.5, 0.1], reasons=["bought_before", "popular"])
        >>> answer.propensities
        []
    """

    item_ids: list[str]
    scores: list[float]
    reasons: list[str]
    """Why each is there: one of SOURCES."""
    propensities: list[float] = field(default_factory=list)
    """With what probability each was to be in this answer; empty where nothing is left to chance
    (model/rerank/reranker.py)."""
    ranked: Ranked | None = None
    """Only where the request asked for detail and something was ranked."""
    unknown: Unknown | None = None
    """The same."""


class Model(Protocol):
    """A loaded model directory (model.package.loaded_model.load)."""

    version: str
    score_is_probability: bool
    """A score is the probability of a purchase on this trip; else it only orders a list."""

    def recommend(self, requests: Sequence[Request]) -> list[Answer]:
        """One answer for each request, in order. Stateless and thread-safe."""
        ...
