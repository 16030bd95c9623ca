"""Logged requests asked again of a loaded model: its answers must be those that were served."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model.api import Answer, Coded, Request, Rung
from model.errors import InputError

RANKED = {Rung.FULL: False, Rung.FEWER: True}
"""{rung that the model itself answers: whether that is with fewer candidates}"""
COLUMNS = (
    *("request_id", "version", "user_id", "time_s", "store_id", "k", "rung", "item_ids", "scores", "exclude"),
    *("within", "k_new", "new_item_ids", "new_scores", "new_only"),
    *("history_items", "history_times", "history_stores", "history_quantities", "history_prices"),
    "attributes",
)
"""What is read of the request log."""
BATCH = 64


class Recommends(Protocol):
    """What is asked (model.package.loaded_model.LoadedModel)."""

    version: str

    def recommend(self, requests: Sequence[Request], fewer: bool = False) -> list[Answer]:
        """As model.serving.fallback.served_model.ServedModel."""
        ...


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How the answers compare with those logged.

    Example:
        >>> agreement = Agreement(compared=100, largest=0.0, differing=(), left_out={"of another version": 3})
        >>> agreement.compared - len(agreement.differing)
        100
    """

    compared: int
    largest: float
    """Largest difference of an item's score, over the items that both answers have."""
    differing: tuple[str, ...]
    """Ids of the requests with other items, another order, or a score that is off by more than the tolerance."""
    left_out: dict[str, int]
    """{why: rows that cannot be compared}"""


def replay(rows: pa.Table, model: Recommends, tolerance: float = 1e-6) -> Agreement:
    """Asks every request again that was logged in detail, by this version, on a rung that the model answers.

    Rules that were changed while it served make a difference, unless the model was loaded with them.

    Args:
        rows: model.request_log.reader.read with COLUMNS at least.

    Raises:
        InputError: no row can be compared.
    """
    comparable, left_out = _comparable(rows, model.version)
    if not len(comparable):
        why = ", ".join(f"{count} {what}" for what, count in left_out.items()) or "the log is empty"
        raise InputError(f"replay: expected rows of version {model.version} logged in detail, got none: {why}")
    largest, differing = 0.0, []
    for rung, fewer in RANKED.items():
        for batch in comparable.filter(pc.field("rung") == rung).to_batches(BATCH):
            logged = batch.to_pylist()
            for row, answer in zip(logged, model.recommend([_request(row) for row in logged], fewer), strict=True):
                shelves = [(row["item_ids"], row["scores"], answer)]
                if answer.new is not None:
                    shelves.append((row["new_item_ids"], row["new_scores"], answer.new))
                off = max(_difference(*shelf) for shelf in shelves)
                largest = max(largest, off)
                if off > tolerance or any(items != made.item_ids for items, _, made in shelves):
                    differing.append(row["request_id"])
    return Agreement(compared=len(comparable), largest=largest, differing=tuple(differing), left_out=left_out)


def _comparable(rows: pa.Table, version: str) -> tuple[pa.Table, dict[str, int]]:
    """The rows that can be asked again, and how many cannot, by the reason."""
    left_out = {}
    for why, condition in (
        ("of another version", pc.field("version") == version),
        ("without detail", pc.field("history_items").is_valid()),
        ("that no ranking answered", pc.field("rung").isin(list(RANKED))),
    ):
        before, rows = len(rows), rows.filter(condition)
        if before > len(rows):
            left_out[why] = before - len(rows)
    return rows, left_out


def _request(row: dict[str, Any]) -> Request:
    return Request(
        user_id=row["user_id"],
        time_s=row["time_s"],
        history_item=row["history_items"],
        history_time=np.array(row["history_times"], np.int64),
        history_store=None if row["history_stores"] is None else Coded.of(row["history_stores"]),
        history_quantity=_floats(row["history_quantities"]),
        history_price=_floats(row["history_prices"]),
        store_id=row["store_id"],
        attributes=_pairs(row["attributes"]),
        k=row["k"],
        k_new=row["k_new"] or 0,
        exclude=row["exclude"],
        within=_pairs(row["within"]),
        new_only=row["new_only"],
    )


def _pairs(texts: list[str] | None) -> list[tuple[str, str]]:
    """(attribute, value) of each `attribute=value`."""
    pairs = (text.partition("=") for text in texts or ())
    return [(name, value) for name, _, value in pairs]


def _floats(values: list[float] | None) -> np.ndarray | None:
    return None if values is None else np.array(values, np.float32)


def _difference(items: Sequence[str], scores: Sequence[float], answer: Answer) -> float:
    """Largest difference of a score, over the items that both have."""
    logged = dict(zip(items, scores, strict=True))
    replayed = dict(zip(answer.item_ids, answer.scores, strict=True))
    return max((abs(logged[item] - replayed[item]) for item in logged.keys() & replayed.keys()), default=0.0)
