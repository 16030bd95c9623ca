"""Strategies of small shops around one moment: what happened before it, and two ways in which it went on."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
from hypothesis import strategies as st

from model.data import columns as c
from tests.worlds import at

MOMENT_DAY = 100
ITEMS = "abdefg"
ITEM_TABLE = pd.DataFrame({c.ITEM: list(ITEMS), "colour": list("rrbbgg"), "size": list("SMLSML")})
DAY_MIN = 24 * 60


class Row(NamedTuple):
    """One line: `minute` counts from the moment, below 0 before it."""

    user: str
    item: str
    minute: int
    basket: int
    price: float
    quantity: int
    kind: str


@dataclasses.dataclass(frozen=True)
class Shop:
    """`earlier` lies before the moment; `later` and `otherwise` are two futures of it, from the moment on."""

    earlier: tuple[Row, ...]
    later: tuple[Row, ...]
    otherwise: tuple[Row, ...]

    def worlds(self, *fixed: Row) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Events of both futures, each in an order of its own; `fixed` are in both."""
        first, other = (events((*self.earlier, *future, *fixed)) for future in (self.later, self.otherwise))
        return first, other.iloc[::-1].reset_index(drop=True)


def _rows(low_min: int, high_min: int, kinds: Sequence[str], most: int) -> st.SearchStrategy[list[Row]]:
    row = st.builds(
        Row,
        user=st.sampled_from(("u1", "u2")),
        item=st.sampled_from(ITEMS),
        minute=st.integers(low_min, high_min),
        basket=st.integers(0, 3),
        price=st.sampled_from((1.0, 2.5, 40.0)),
        quantity=st.sampled_from((1, 2, 30)),
        kind=st.sampled_from(kinds),
    )
    return st.lists(row, max_size=most)


def shops(*kinds: str) -> st.SearchStrategy[Shop]:
    """Shops with events of these types. A basket of before may go on after the moment, and anything be added then."""
    before = _rows(-90 * DAY_MIN, -1, kinds, most=14)
    after = _rows(0, 40 * DAY_MIN, kinds, most=8)
    return st.builds(Shop, before.map(tuple), after.map(tuple), after.map(tuple))


def events(rows: Sequence[Row]) -> pd.DataFrame:
    """Canonical events, one row a key. On day 0 each item was bought once, so that every attribute value is known."""
    first = [Row("u0", item, -MOMENT_DAY * DAY_MIN, 0, 1.0, 1, c.PURCHASE) for item in ITEMS]
    frame = pd.DataFrame((*first, *rows), columns=list(Row._fields))
    frame = frame.drop_duplicates(["user", "basket", "item", "kind"], ignore_index=True)
    return pd.DataFrame(
        {
            c.USER: frame["user"],
            c.ITEM: frame["item"],
            c.TIME: at(MOMENT_DAY) + pd.to_timedelta(frame["minute"], unit="min"),
            c.BASKET: frame["user"] + "-" + frame["basket"].astype(str),
            c.EVENT_TYPE: frame["kind"],
            c.QUANTITY: frame["quantity"].astype(float),
            c.PRICE: frame["price"],
            c.STORE: "s1",
        }
    )
