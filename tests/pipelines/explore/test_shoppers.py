"""Shoppers, moments and requests: as the trips have them, and nothing from after the moment."""

import pytest
from starlette.datastructures import QueryParams

from components.evaluate.predictions import request_of as evaluated
from model.errors import InputError
from pipelines.explore.load_world import World
from pipelines.explore.query_string import Ask, minute, read_ask
from pipelines.explore.shoppers import NEW_SHOPPER
from tests.worlds import CUT_DAY, seconds


def test_a_request_at_a_trip_is_the_one_that_the_model_was_judged_on(world: World) -> None:
    trips = world.shoppers.trips
    for trip in trips.first_test_trips()[:10]:
        judged = evaluated(trips, int(trip), 10)
        ask = Ask(user_id=judged.user_id, time_s=judged.time_s, store_id=judged.store_id)
        request = world.lists.request(ask)
        assert list(request.history_item) == list(judged.history_item)
        assert list(request.history_time) == list(judged.history_time)


def test_examples_are_a_heavy_a_usual_a_light_and_a_new_shopper(world: World) -> None:
    examples = world.shoppers.examples()
    assert [example.kind for example in examples] == ["heavy", "usual", "light", "new"]
    assert examples[0].purchases >= examples[1].purchases >= examples[2].purchases > examples[3].purchases == 0
    assert NEW_SHOPPER not in world.shoppers


def test_an_address_without_a_moment_means_the_first_trip_after_the_cut_and_its_store(world: World) -> None:
    ask = read_ask(QueryParams("user=u04"), world.shoppers, world.cut_s)
    assert ask.time_s == seconds(CUT_DAY + 4) + 13 * 3600 and ask.store_id == "s0"


def test_an_address_is_read_as_it_was_written(world: World) -> None:
    ask = Ask(user_id="ü &=", time_s=seconds(CUT_DAY + 2) + 61, store_id="s 1", new_only=True, basket=("i03", "i 4&"))
    assert read_ask(QueryParams(ask.query(q="milk")), world.shoppers, world.cut_s) == ask
    assert minute(seconds(0)) == "2020-01-06T00:00"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "expected a shopper's id"),
        ("user=" + "x" * 201, "expected a shopper's id"),
        ("user=u1&at=soon", "expected a moment like"),
        ("user=u1&at=2020-01-06T00:00", "expected a moment from 2020-04-13 on"),
        ("user=u1&" + "&".join(f"basket=i{n}" for n in range(51)), "expected at most 50 products"),
    ],
)
def test_what_is_no_address_is_refused_in_one_line(query: str, message: str, world: World) -> None:
    with pytest.raises(InputError, match=message):
        read_ask(QueryParams(query), world.shoppers, world.cut_s)


def test_a_basket_is_the_last_that_was_bought_and_is_not_recommended(world: World) -> None:
    ask = Ask(user_id="u04", time_s=seconds(CUT_DAY + 4), store_id="s0", basket=("i07", "i08"))
    request = world.lists.request(ask)
    assert list(request.history_item[-2:]) == ["i07", "i08"] and request.history_time[-1] == ask.time_s - 1
    events = len(request.history_item)
    assert request.history_store is not None and request.history_store.texts() == [ask.store_id] * events
    assert request.history_quantity is not None and request.history_quantity.tolist() == [1.0] * events
    prices = [1.0 + int(item[1:]) for item in request.history_item[:-2]]
    assert request.history_price is not None and request.history_price.tolist() == [*prices, 0.0, 0.0]
    for listing in world.lists.listings(ask):
        assert not {"i07", "i08"} & {entry.product.item_id for entry in listing.entries}


def test_a_list_of_what_is_new_has_nothing_that_the_shopper_bought(world: World) -> None:
    ask = Ask(user_id="u04", time_s=seconds(CUT_DAY + 4), store_id="s0", new_only=True)
    history = set(world.lists.request(ask).history_item)
    for listing in world.lists.listings(ask):
        shown = {entry.product.item_id for entry in listing.entries}
        assert shown and not shown & history and "own history" not in listing.candidates


def test_movements_are_places_with_the_empty_basket(world: World) -> None:
    empty = Ask(user_id="u04", time_s=seconds(CUT_DAY + 4), store_id="s0")
    first = world.lists.listings(empty)[1].entries
    basket = empty.with_item(first[0].product.item_id)
    before = {entry.product.item_id: entry.rank - 1 for entry in first[1:]}
    after = {entry.product.item_id: entry.before for entry in world.lists.listings(basket)[1].entries}
    assert {item: place for item, place in after.items() if item in before} == {
        item: place for item, place in before.items() if item in after
    }
