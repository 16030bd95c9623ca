"""The two shelves of an answer, "buy again" and "new for you", each judged by its own part of the basket.

What is new to a shopper is a variation where its type was bought before, a discovery where it was not. The type is the
attribute with the most values. Shape legend: N judged trips, K recommendations, I items.
"""

from typing import NamedTuple, Self

import numpy as np

from components.evaluate.predictions import shelf_lists
from model.api import Model
from model.data.catalog import RARE, Catalog
from model.evaluation import ranking_metrics as metrics
from model.evaluation.next_basket_task import Task

LENGTH = 10
"""Of each shelf."""
AGAIN, NEW, VARIATION, DISCOVERY = (f"{part}_recall@{LENGTH}" for part in ("again", "new", "variation", "discovery"))
"""Recall over the part of the basket that the shopper bought before, and by the shelf of new items over the rest, over
its variations and over its discoveries."""


def types_of(catalog: Catalog) -> np.ndarray:
    """[I] int32 code of each item's type, up to RARE where it has none of its own."""
    if not catalog.attribute_names:
        return np.zeros(catalog.items, np.int32)
    return np.ascontiguousarray(catalog.attribute_IA[:, int(np.argmax(catalog.attribute_sizes))])


class Parts(NamedTuple):
    """The judged trips. N arrays of item indices each."""

    baskets: list[np.ndarray]
    histories: list[np.ndarray]
    new: dict[str, list[np.ndarray]]
    """{metric of the shelf of new items: the part of each basket that it is judged by}"""

    @classmethod
    def of(cls, task: Task, type_I: np.ndarray) -> Self:
        baskets, histories = task.baskets, task.histories
        new = [np.setdiff1d(basket, past) for basket, past in zip(baskets, histories, strict=True)]
        of_known_type = [
            (type_I[items] > RARE) & np.isin(type_I[items], type_I[past])
            for items, past in zip(new, histories, strict=True)
        ]
        parts = {
            NEW: new,
            VARIATION: [items[is_known] for items, is_known in zip(new, of_known_type, strict=True)],
            DISCOVERY: [items[~is_known] for items, is_known in zip(new, of_known_type, strict=True)],
        }
        return cls(baskets, histories, parts)


def shelf_values(model: Model, task: Task, parts: Parts, batch: int) -> dict[str, np.ndarray]:
    """{metric: [N] value, NaN where undefined} of one model."""
    again_NK, new_NK = shelf_lists(model, task.trips, task.trip_N, LENGTH, batch)
    again = metrics.repeat_recall(metrics.find_hits(again_NK, parts.baskets, parts.histories), LENGTH)
    none = [np.zeros(0, np.int64)] * len(parts.baskets)
    return {AGAIN: again} | {
        name: metrics.recall(metrics.find_hits(new_NK, part, none), LENGTH) for name, part in parts.new.items()
    }
