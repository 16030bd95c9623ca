"""Columns that TFDV sees beside the canonical ones: hour, weekday and logarithms."""

import numpy as np
import pandas as pd

from model.data import columns as c
from model.data import schema

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HOUR, WEEKDAY, LOG_PRICE, LOG_QUANTITY = "hour", "weekday", "log_price", "log_quantity"


def with_derived(table: schema.Table, frame: pd.DataFrame) -> pd.DataFrame:
    """The frame TFDV sees: of events also hour, weekday, log(1 + price) and log(1 + quantity).

    Returned quantities count without their sign: sources write them either way.
    """
    out = frame.reset_index(drop=True)
    if table is not schema.EVENTS:
        return out
    if _is_number(out, c.TIME):
        day_s = out[c.TIME]
        out[HOUR] = day_s % 86_400 // 3600
        weekday = (day_s // 86_400 + 3) % 7  # 1970-01-01 was a Thursday
        out[WEEKDAY] = weekday.map(dict(enumerate(WEEKDAYS)))
    if _is_number(out, c.QUANTITY) and c.EVENT_TYPE in out:
        out[c.QUANTITY] = out[c.QUANTITY].mask(out[c.EVENT_TYPE] == c.RETURN, out[c.QUANTITY].abs())
    for name, log_name in ((c.PRICE, LOG_PRICE), (c.QUANTITY, LOG_QUANTITY)):
        if _is_number(out, name):
            out[log_name] = np.log1p(out[name].where(out[name] >= 0))
    return out


def _is_number(frame: pd.DataFrame, name: str) -> bool:
    return name in frame and pd.api.types.is_float_dtype(frame[name])


def as_requests(events: pd.DataFrame) -> pd.DataFrame:
    """Events seen as requests: one row a trip with shopper, first moment, store, and the derived columns."""
    stores = pd.Categorical(events[c.STORE])  # by number, since pandas takes the least text of each trip one by one
    number = pd.Series(stores.codes, events.index).where(lambda codes: codes >= 0)
    rows = events[[c.USER, c.BASKET, c.TIME]].assign(**{c.STORE: number})
    trips = rows.groupby([c.USER, c.BASKET], as_index=False)[[c.TIME, c.STORE]].min()
    first = pd.Categorical.from_codes(trips[c.STORE].fillna(-1).astype(int), stores.categories)
    return with_derived(schema.EVENTS, trips[[c.USER, c.TIME]].assign(**{c.STORE: first.astype(object)}))
