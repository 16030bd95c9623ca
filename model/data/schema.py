"""The canonical tables, in one place. Ingest, the TFDV schema, the serving inputs and the docs derive from this.

A row of each table is: one product in one basket (events), one product (items), one shopper (users), one product
on promotion in one store for one stretch of time (promotions).
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from model.data import columns as c


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


EVENT_TYPES = (c.PURCHASE, "view", "cart", "return")

EVENTS = Table(
    name="events",
    key=(c.USER, c.BASKET, c.ITEM, c.EVENT_TYPE),
    columns=(
        Column(name=c.USER, type=Type.ID, request="user_id", doc="The shopper or household."),
        Column(name=c.ITEM, type=Type.ID, doc="The product."),
        Column(name=c.TIME, type=Type.TIME, unit="UTC", request="request_time", doc="When it happened."),
        Column(
            name=c.BASKET,
            type=Type.ID,
            required=False,
            doc="The trip it belongs to; absent: one shopper's UTC calendar day is one trip.",
        ),
        Column(
            name=c.EVENT_TYPE,
            type=Type.CATEGORY,
            required=False,
            default=c.PURCHASE,
            domain=EVENT_TYPES,
            doc="What happened; which of them are positives is set by the label policy, a return takes one back.",
        ),
        Column(name=c.QUANTITY, type=Type.NUMBER, unit="pieces", required=False, default=1.0, low=0.0, doc="How many."),
        Column(
            name=c.PRICE,
            type=Type.NUMBER,
            unit="currency per piece",
            required=False,
            nullable=True,
            low=0.0,
            doc="Paid per piece, discounts taken off.",
        ),
        Column(
            name=c.STORE,
            type=Type.ID,
            required=False,
            default="",
            request="store_id",
            doc="Where; empty where there is only one store.",
        ),
        Column(
            name=c.REQUEST,
            type=Type.ID,
            required=False,
            nullable=True,
            doc="The request whose list it was picked from, where the shop knows: the `id` of the answer.",
        ),
    ),
)

ITEMS = Table(
    name="items",
    key=(c.ITEM,),
    open=True,
    columns=(Column(name=c.ITEM, type=Type.ID, doc="The product; further columns are its attributes."),),
)

USERS = Table(
    name="users",
    key=(c.USER,),
    required=False,
    open=True,
    columns=(Column(name=c.USER, type=Type.ID, doc="The shopper; further columns are attributes."),),
)

PROMOTIONS = Table(
    name="promotions",
    key=(c.ITEM, c.STORE, c.KIND, c.START),
    required=False,
    columns=(
        Column(name=c.ITEM, type=Type.ID, doc="The product on promotion."),
        Column(name=c.STORE, type=Type.ID, default="", required=False, doc="Where; empty means every store."),
        Column(name=c.START, type=Type.TIME, unit="UTC", doc="First moment of the promotion."),
        Column(name=c.END, type=Type.TIME, unit="UTC", doc="First moment after the promotion."),
        Column(
            name=c.KIND,
            type=Type.CATEGORY,
            required=False,
            default="promotion",
            doc="How it is promoted (display, mailer, ...).",
        ),
    ),
)

TABLES = (EVENTS, ITEMS, USERS, PROMOTIONS)


def schema_digest() -> str:
    """SHA-256 of the canonical schema: models and tables made for another one do not fit."""
    return hashlib.sha256(repr(TABLES).encode()).hexdigest()
