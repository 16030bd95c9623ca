"""What a request brings about a shopper whom the store does not know."""

import asyncio

from model.serving.history.lookup import Source, State, StateReader
from model.serving.v2_inputs import Query
from tests.model.serving.history.fake_store import FakeStore

QUERY = Query(user_id="u", time_s=100, timed=True, recent_items=("milk", "tea"))
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
    items, times, stores, quantities, prices, *_ = state.history
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


def _state(query: Query, store: FakeStore) -> State:
    reader = StateReader(store)
    state = asyncio.run(reader.read(query, timeout_s=1.0))
    reader.close()
    return state


def test_a_request_without_a_moment_is_of_now_or_just_after_the_newest_event() -> None:
    """The five events are at 0 to 4."""
    store = FakeStore(items={"u": list("abcde")})
    for now_s, moment_s in ((2, 5), (4, 5), (5, 5), (9, 9)):
        state = _state(Query(user_id="u", time_s=now_s), store)
        assert (state.time_s, len(state.history.items)) == (moment_s, 5)
    state = _state(Query(user_id="u", time_s=2, timed=True), store)
    assert (state.time_s, state.history.items) == (2, ["a", "b"])
    assert _state(Query(user_id="new", time_s=2), store).time_s == 2


def test_a_damaged_record_is_a_shopper_without_history() -> None:
    store = FakeStore(items={"u": ["a"]}, damaged=("u",))
    assert _state(Query(user_id="u", time_s=9), store).source is Source.DAMAGED
    brought = _state(QUERY, store)
    assert (brought.source, list(brought.history.items)) == (Source.RECENT_ITEMS, ["milk", "tea"])
