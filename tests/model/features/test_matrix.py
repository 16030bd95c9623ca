"""Every feature against hand-computed values, on requests with a handful of purchases."""

import math

import numpy as np
import pytest

from model.features.matrix import Features
from tests.model.small_catalog import ITEMS, Ask, batch, promotion, small_catalog
from tfx_configs.settings import FeatureSettings

SETTINGS = FeatureSettings(half_lives_days=(7.0, 30.0), trip_gap_hours=4.0)
FEATURES = Features(small_catalog(), SETTINGS)
# Trips of this shopper at day 70: {a, b} on day 50, {a} on day 60, {a, d} on day 66 (d two hours later).
REGULAR = Ask(70, (("a", 50), ("b", 50), ("a", 60), ("a", 66), ("d", 66 + 2 / 24)))
NEWCOMER = Ask(70)


def features(*asked: tuple[Ask, str], of: Features = FEATURES, logs: bool = False) -> dict[str, np.ndarray]:
    """{name: values} of (request, item) pairs; equal requests are one."""
    asks = list(dict.fromkeys(ask for ask, _ in asked))
    pairs = sorted((asks.index(ask), at, ITEMS.index(item)) for at, (ask, item) in enumerate(asked))
    row, at, item = (np.array(column) for column in zip(*pairs, strict=True))
    end_B = np.searchsorted(row, np.arange(len(asks)), side="right")
    matrix = np.empty((len(asked), len(of.records)), np.float32)
    matrix[at] = of(batch(*asks), item.astype(np.int32), end_B, logs)
    return dict(zip(of.names, matrix.T, strict=True))


def value_of(name: str, ask: Ask, item: str) -> float:
    return float(features((ask, item))[name][0])


def test_every_record_has_a_value_and_every_value_a_record() -> None:
    values = features((REGULAR, "a"))
    assert set(values) == {record.name for record in FEATURES.records}
    assert all(record.doc for record in FEATURES.records)
    assert len({record.name for record in FEATURES.records}) == len(FEATURES.records)


@pytest.mark.parametrize(
    ("name", "a", "b", "e"),
    [
        ("own_count", 3, 1, 0),
        ("own_decayed_7d", 2 ** (-20 / 7) + 2 ** (-10 / 7) + 2 ** (-4 / 7), 2 ** (-20 / 7), 0),
        ("own_decayed_30d", 2 ** (-2 / 3) + 2 ** (-1 / 3) + 2 ** (-4 / 30), 2 ** (-2 / 3), 0),
        ("own_last_days", 4, 20, 1000),
        ("own_first_days", 20, 20, 1000),
        ("own_gap_days", 8, 0, 0),
        ("own_overdue", 0.5, 0, 0),
        ("own_trip_share", 1, 1 / 3, 0),
        ("own_in_last_trip", 1, 0, 0),
    ],
)
def test_own_purchases(name: str, a: float, b: float, e: float) -> None:
    assert features((REGULAR, "a"), (REGULAR, "b"), (REGULAR, "e"))[name] == pytest.approx([a, b, e], rel=1e-5)


def test_events_within_the_gap_belong_to_one_trip() -> None:
    """d came two hours after a: the same, last, trip."""
    assert value_of("own_in_last_trip", REGULAR, "d") == 1
    assert value_of("trips", REGULAR, "d") == 3
    five_hours = Ask(70, (("a", 66), ("d", 66 + 5 / 24)))
    assert features((five_hours, "a"), (five_hours, "d"))["own_in_last_trip"].tolist() == [0, 1]
    assert value_of("trips", five_hours, "a") == 2


@pytest.mark.parametrize(
    ("name", "regular", "newcomer"),
    [
        ("trips", 3, 0),
        ("last_trip_days", 4 - 2 / 24, 1000),
        ("trip_gap_days", (20 - (4 - 2 / 24)) / 2, 0),
        ("basket_size", 5 / 3, 0),
    ],
)
def test_the_rhythm_of_trips(name: str, regular: float, newcomer: float) -> None:
    assert features((REGULAR, "a"), (NEWCOMER, "a"))[name] == pytest.approx([regular, newcomer], rel=1e-5)


def test_trips_with_an_item_count_once_each_among_the_last_ten_and_twenty() -> None:
    """25 trips, a day each, all with b; a on the 1st, twice on the 11th, and on the 21st. The other shopper has 3."""
    bought = (*(("b", day) for day in range(40, 65)), ("a", 40), ("a", 50), ("a", 50 + 1 / 24), ("a", 60))
    often = Ask(70, tuple(sorted(bought, key=lambda event: event[1])))
    assert value_of("trips", often, "a") == 25
    values = features(*((often, item) for item in "abe"), *((REGULAR, item) for item in "abe"))
    assert values["own_last_10_trips"] == pytest.approx([1 / 10, 1, 0, 1, 1 / 3, 0])
    assert values["own_last_20_trips"] == pytest.approx([2 / 20, 1, 0, 1, 1 / 3, 0])


def test_a_request_at_the_hour_of_purchases_matches_them() -> None:
    """At 06:00: a was bought at 06:00 twice, b once at 18:00. All purchases: 1/3, which counts five times for each."""
    morning = Ask(70.25, (("b", 50.75), ("a", 60.25), ("a", 61.25)))
    values = features((morning, "a"), (morning, "b"), (morning, "e"), (NEWCOMER, "a"))
    assert values["own_hour_match"] == pytest.approx([(2 + 5 / 3) / 7, (-1 + 5 / 3) / 6, 1 / 3, 0], rel=1e-5)


def test_hours_and_weekdays_match_round_their_circles() -> None:
    """Two hours apart over midnight; a week, half a week, one and three quarters of it twice, and a day apart."""
    assert value_of("own_hour_match", Ask(70 + 1 / 24, (("a", 69 + 23 / 24),)), "a") == pytest.approx(2 / 3)
    for day, expected in ((63.25, 1), (66.75, -1), (65, 0), (68.5, 0), (69.25, 1 - 4 / 7)):
        assert value_of("own_weekday_match", Ask(70.25, (("a", day),)), "a") == pytest.approx(expected, abs=1e-5), day


@pytest.mark.parametrize(
    ("days", "expected"), [(0.5, 0.25), (4, 0.25), (4.5, 0.5), (18, 0.75), (32, 0.5), (60, 0.25), (61, 0.125)]
)
def test_the_hazard_is_that_of_the_days_since_the_last_purchase(days: float, expected: float) -> None:
    assert value_of("own_hazard", Ask(70, (("a", 1), ("a", 70 - days))), "a") == expected


def test_without_a_purchase_there_is_no_hazard() -> None:
    assert features((NEWCOMER, "a"), (Ask(70, (("b", 69),)), "a"))["own_hazard"].tolist() == [0, 0]


def test_affinity_to_an_attribute_value() -> None:
    """Red (a, b): 2 purchases 20 days old, one 10, one 4; halved every 60 days. Everything: also blue, 4 - 2/24 old."""
    red = 2 * 2 ** (-20 / 60) + 2 ** (-10 / 60) + 2 ** (-4 / 60)
    blue = 2 ** (-(4 - 2 / 24) / 60)
    values = features((REGULAR, "b"), (REGULAR, "d"), (REGULAR, "e"))
    assert values["colour_decayed"] == pytest.approx([red, blue, 0], rel=1e-5)
    assert values["colour_share"] == pytest.approx([red / (red + blue), blue / (red + blue), 0], rel=1e-5)
    assert values["colour_last_days"] == pytest.approx([4, 4 - 2 / 24, 1000], rel=1e-5)


def test_buying_items_without_the_attribute_is_no_affinity_to_others_without_it() -> None:
    assert value_of("colour_decayed", Ask(70, (("e", 69),)), "z") == 0


@pytest.mark.parametrize(
    ("day", "recent", "decayed"), [(62.9, 5, 9), (63, 5, 9), (69.99, 5, 9), (70, 2, 6), (200, 2, 6)]
)
def test_popularity_is_of_the_last_snapshot_at_or_before_the_request(day: float, recent: float, decayed: float) -> None:
    assert value_of("recent_popularity", Ask(day), "a") == recent
    assert value_of("popularity", Ask(day), "a") == decayed


def test_what_is_known_of_the_item_itself() -> None:
    values = features((NEWCOMER, "a"), (NEWCOMER, "d"))
    assert values["price"] == pytest.approx([0.5, 1.5])
    assert values["repurchase"] == pytest.approx([0.6, 0.2])


def test_time_of_day_and_of_week_go_round() -> None:
    """The first request: Monday, 06:00 UTC. The second a week later; the third in the evening."""
    values = features((Ask(70.25), "a"), (Ask(77.25), "a"), (Ask(70.75), "a"))
    assert values["hour_sin"] == pytest.approx([1, 1, -1], abs=1e-3)
    assert values["hour_cos"] == pytest.approx([0, 0, 0], abs=1e-3)
    angle = 2 * math.pi * 4.25 / 7  # unix time began on a Thursday
    assert values["weekday_sin"][0] == values["weekday_sin"][1] == pytest.approx(math.sin(angle), abs=1e-4)
    assert values["weekday_cos"][2] == pytest.approx(math.cos(angle + math.pi / 7), abs=1e-4)


def test_each_request_of_a_batch_is_answered_as_if_it_were_alone() -> None:
    others = (Ask(70, (("b", 69), ("b", 69.5))), NEWCOMER, REGULAR, Ask(65, (("d", 1),), "s2"))
    pairs = [(ask, item) for ask in others for item in ITEMS]
    together = features(*pairs)
    for at, pair in enumerate(pairs):
        alone = features(pair)
        for name, values in together.items():
            assert values[at] == pytest.approx(alone[name][0], rel=1e-6, abs=1e-6), name


def test_logs_are_taken_where_a_record_says_so() -> None:
    pairs = [(REGULAR, "a"), (REGULAR, "e"), (NEWCOMER, "d"), (Ask(71, (("d", 70.5),)), "d")]
    raw, logged = features(*pairs), features(*pairs, logs=True)
    assert {record.log for record in FEATURES.records} == {True, False}
    for record in FEATURES.records:
        expected = np.log1p(np.maximum(raw[record.name], 0)) if record.log else raw[record.name]
        np.testing.assert_allclose(logged[record.name], expected, rtol=1e-6, err_msg=record.name)


@pytest.mark.parametrize(
    ("store", "item", "day", "expected"),
    [
        ("s1", "a", 69.99, 0),
        ("s1", "a", 70, 1),
        ("s1", "a", 76.99, 1),
        ("s1", "a", 77, 0),
        ("s1", "a", 80, 1),
        ("s2", "a", 70, 0),
        ("", "a", 70, 0),
        ("s1", "b", 70, 1),
        ("s2", "b", 70, 1),
        ("", "b", 70, 1),
        ("s1", "d", 70, 0),
    ],
)
def test_a_promotion_counts_in_its_store_or_everywhere_while_it_lasts(
    store: str, item: str, day: float, expected: float
) -> None:
    """a in store s1, twice; b in every store."""
    mailer = promotion("mailer in/out", ("", "b", 60, 90), ("s1", "a", 70, 77), ("s1", "a", 80, 81))
    promoted = Features(small_catalog((mailer,)), SETTINGS)
    assert features((Ask(day, store=store), item), of=promoted)["on_mailer in/out"].tolist() == [expected]


def test_promotions_that_have_all_ended_are_no_promotion() -> None:
    catalog = small_catalog((promotion("mailer", ("s1", "a", 60, 65)),)).as_served()
    assert not len(catalog.promotions[0].item_P)
    values = features((Ask(71), "a"), of=Features(catalog, SETTINGS))
    assert values["on_mailer"].tolist() == [0]
