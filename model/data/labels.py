"""Which events are learned from, and which are judged: what makes trips, labels and outcomes."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from model.data import columns as c
from tfx_configs.labels import LabelSettings

INTERESTS = ("view", "cart")
"""What a shop without purchases learns from and is judged on."""


def is_of_types(column: Callable[[str], Any], types: Sequence[str]) -> Any:
    """The condition that an event is of one of these types, with a quantity above zero; missing values are not.

    Args:
        column: gives the canonical column of that name as pandas Series, Ibis column or Arrow field: these three
            share the operations used here. The condition is of the same kind.
    """
    return column(c.EVENT_TYPE).isin(list(types)) & (column(c.QUANTITY) > 0)


def is_positive(column: Callable[[str], Any], settings: LabelSettings) -> Any:
    """The condition that an event is of a positive type, a purchase where the settings name none; `column` as in
    `is_of_types`."""
    return is_of_types(column, settings.positive_types or (c.PURCHASE,))


def positives(events: pd.DataFrame, settings: LabelSettings) -> pd.DataFrame:
    """The positive events."""
    return events[is_positive(events.__getitem__, settings)]


def positive_types(settings: LabelSettings, purchases: int) -> tuple[str, ...]:
    """Types of the events that are learned from. `purchases`: how many there are."""
    return settings.positive_types or ((c.PURCHASE,) if purchases else INTERESTS)


def judged_types(settings: LabelSettings, purchases: int) -> tuple[str, ...]:
    """Types of the events that test labels are made of: purchases, whatever is learned from.

    Args:
        purchases: how many there are; a shop without any is judged on its positive types.
    """
    return (c.PURCHASE,) if purchases else positive_types(settings, purchases)
