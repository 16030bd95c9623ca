"""The canonical tables, in one place: schema.json. Ingest, TFDV, the serving inputs and the docs derive from this.

A row of each table is: one product in one basket (events), one product (items), one shopper (users), one product
on promotion in one store for one stretch of time (promotions).
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import TypeAdapter


class Type(StrEnum):
    """How a column is stored in Parquet.

    Example:
        >>> Type("number") is Type.NUMBER
        True
    """

    ID = "id"  # string, high cardinality
    CATEGORY = "category"  # string, low cardinality
    NUMBER = "number"  # float64
    TIME = "time"  # timestamp, microseconds, UTC, stored without a zone


@dataclass(frozen=True, kw_only=True)
class Column:
    """One canonical column. `default` is the value an absent optional column gets; bounds are inclusive.

    `request` names the input of a request that carries it (model/serving/v2_inputs.py); empty: not known before the
    trip.

    Example:
        >>> quantity = Column(name="quantity", type=Type.NUMBER, unit="pieces", default=1.0, doc="How many.")
        >>> quantity.default, quantity.nullable
        (1.0, False)
    """

    name: str
    type: Type
    doc: str
    unit: str = ""
    required: bool = True
    nullable: bool = False
    default: str | float | None = None
    low: float | None = None
    high: float | None = None
    domain: tuple[str, ...] = ()
    request: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A canonical table. An `open` table keeps further columns as categorical attributes.

    Example:
        >>> ITEMS.names, ITEMS.open
        (('item_id',), True)
        >>> EVENTS.column("quantity").unit
        'pieces'
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    required: bool = True
    open: bool = False

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


TABLES = TypeAdapter(tuple[Table, ...]).validate_json(Path(__file__).with_suffix(".json").read_bytes())
EVENTS, ITEMS, USERS, PROMOTIONS = TABLES


def schema_digest() -> str:
    """SHA-256 of the canonical schema: models and tables made for another one do not fit."""
    return hashlib.sha256(repr(TABLES).encode()).hexdigest()
