"""What a request brings about a shopper whom the store does not know."""

import asyncio

from model.serving.history.lookup import Source, StateReader
from model.serving.v2_inputs import Query
from tests.model.serving.history.fake_store import FakeStore

QUERY = Query(user_id="u", time_s=100, recent_items=("milk", "tea"))
KNOWN = Query(
    user_id="u",
    time_s=100,
    recent_items=("milk", "tea"),
    recent_stores=("", "east"),
    recent_quantities=(2.0, 0.5),
    recent_prices=(0.0, 1.25),
)


def _read(query: Query, store: FakeStore | None = None) -> tuple[object, ...]:
    reader = StateReader(store or FakeStore())
    state = asyncio.run(reader.read(query, timeout_s=1.0))
    reader.close()
    items, times, stores, quantities, prices, _ = state.history
    return (
        state.source,
        list(items),
        times.tolist(),
        None if stores is None else stores.texts(),
        None if quantities is None else quantities.tolist(),
        None if prices is None else prices.tolist(),
    )


def test_recent_items_may_come_with_where_how_many_and_at_what_price() -> None:
    assert _read(KNOWN) == (Source.RECENT_ITEMS, ["milk", "tea"], [98, 99], ["", "east"], [2, 0.5], [0, 1.25])


def test_recent_items_alone_are_all_that_is_known() -> None:
    assert _read(QUERY) == (Source.RECENT_ITEMS, ["milk", "tea"], [98, 99], None, None, None)


def test_what_the_store_knows_counts_for_more() -> None:
    assert _read(KNOWN, FakeStore(items={"u": ["bread"]})) == (Source.FOUND, ["bread"], [0], None, None, None)
