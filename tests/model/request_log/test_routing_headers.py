"""How a request came to a server, by its headers."""

import pytest

from model.request_log.routing_headers import route_of


@pytest.mark.parametrize(
    ("headers", "route"),
    [
        ({}, "unsticky"),
        ({"x-user-id": "another"}, "unsticky"),
        ({"host": "shop.example:8080", "x-user-id": "u"}, "split"),
        ({"x-aisle-version": "canary"}, "named"),
        ({"x-aisle-probe": "1", "x-user-id": "u"}, "probe"),
        ({"x-aisle-shadow": "1", "x-user-id": "u"}, "shadow"),
        ({"host": "127.0.0.1-shadow:10000"}, "shadow"),
        ({"host": "shop.example-shadow", "x-aisle-version": "canary"}, "shadow"),
    ],
)
def test_a_request_is_of_the_split_if_its_header_names_its_shopper_named_by_a_tester_or_a_mirrored_copy(
    headers: dict[str, str], route: str
) -> None:
    assert route_of(headers, "u") == route
