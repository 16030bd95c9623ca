"""Which events are positive: what makes trips, labels and outcomes."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from model.data import columns as c
from tfx_configs.labels import LabelSettings


def is_positive(column: Callable[[str], Any], settings: LabelSettings) -> Any:
    """The condition that an event is of a positive type, with a quantity above zero; missing values are not.

    Args:
        column: gives the canonical column of that name as pandas Series, Ibis column or Arrow field: these three
            share the operations used here. The condition is of the same kind.
    """
    return column(c.EVENT_TYPE).isin(list(settings.positive_types)) & (column(c.QUANTITY) > 0)


def positives(events: pd.DataFrame, settings: LabelSettings) -> pd.DataFrame:
    """The positive events."""
    return events[is_positive(events.__getitem__, settings)]
