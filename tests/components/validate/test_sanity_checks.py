"""The plain checks on small frames with a hand-computed answer."""

import numpy as np
import pandas as pd

from components.artifacts.validation import Finding, verdict_of, worst_first
from components.tfdv.derived_columns import with_derived
from components.validate import calendar_weeks as weeks
from components.validate import time_checks, value_checks
from model.data import schema
from tests.components.validate.world import clean_shop
from tfx_configs.units import DAY_S
from tfx_configs.validation import ValidationSettings

SETTINGS = ValidationSettings()
MONDAY = 19_723  # 2024-01-01


def shop() -> pd.DataFrame:
    """The clean shop as `load` gives it: times in seconds."""
    events = clean_shop()["events"]
    return events.assign(event_time=(events["event_time"] - pd.Timestamp(0)).dt.total_seconds())


def on_days(days: list[int], rows: int = 1) -> pd.DataFrame:
    """`rows` events at noon of each of the days after Monday 2024-01-01."""
    time = [float((MONDAY + day) * DAY_S + DAY_S // 2) for day in days for _ in range(rows)]
    return pd.DataFrame({"event_time": time, "price": 2.0, "quantity": 1.0})


def test_a_single_closed_day_warns_and_a_gap_of_three_stops() -> None:
    single = time_checks.every_day(on_days([d for d in range(40) if d != 20]), SETTINGS)
    assert [(f.severity, f.received) for f in single] == [("warn", "none on 1 day: 2024-01-21")]
    three = time_checks.every_day(on_days([d for d in range(40) if d not in (20, 21, 22)], rows=20), SETTINGS)
    assert [f.severity for f in three] == ["stop"]


def test_closing_every_sunday_is_no_gap_and_neither_are_declared_days_or_sparse_data() -> None:
    assert time_checks.every_day(on_days([d for d in range(40) if d % 7 != 6]), SETTINGS) == []
    declared = ValidationSettings(closed_days=("2024-01-21",))
    assert time_checks.every_day(on_days([d for d in range(40) if d != 20]), declared) == []
    assert time_checks.every_day(on_days(list(range(0, 90, 3))), SETTINGS) == []


def test_events_of_tomorrow_and_of_1970_stop() -> None:
    events = on_days([0, 1, 2])
    late = time_checks.in_time(events, now_s=(MONDAY + 2) * DAY_S)
    assert late[0].received == "1 later events, the last at 2024-01-03T12:00:00Z"
    early = time_checks.in_time(events.assign(event_time=events["event_time"] / 1000), now_s=2e9)
    assert early[0].received.startswith("3 earlier events, the first at 1970-01-20")


def test_an_event_in_the_wrong_months_directory_stops() -> None:
    partitions = pd.Series(["2024-01", "2024-01"])
    assert time_checks.in_partition(on_days([0, 30]), partitions) == []
    assert "such as one of 2024-02" in time_checks.in_partition(on_days([0, 31]), partitions)[0].received


def test_a_day_merged_with_its_own_copy_has_only_even_quantities() -> None:
    events = shop()
    assert time_checks.doubled_day(events) == []
    third = weeks.days(events["event_time"]) == MONDAY + 2
    doubled = events.assign(quantity=events["quantity"].mask(third, events["quantity"] * 2))
    assert [f.received for f in time_checks.doubled_day(doubled)] == ["none on 2024-01-03"]


def test_a_day_copied_to_another_date_is_seen_though_its_keys_are_new() -> None:
    events = shop()
    assert time_checks.copied_day(events) == []
    first = events[weeks.days(events["event_time"]) == MONDAY]
    moved = first.assign(event_time=first["event_time"] + 100 * DAY_S, basket_id="new " + first["basket_id"])
    findings = time_checks.copied_day(pd.concat([events, moved], ignore_index=True))
    assert [f.received for f in findings] == ["the same 60 rows on 2024-01-01, 2024-04-10"]


def test_days_that_always_repeat_are_no_copies_and_quiet_days_no_gap() -> None:
    every_day_the_same = on_days(list(range(40)), rows=30).assign(user_id="u", item_id="i")
    assert time_checks.copied_day(every_day_the_same) == []
    quiet = time_checks.every_day(on_days([d for d in range(40) if d not in (20, 21, 22)]), SETTINGS)
    assert [f.severity for f in quiet] == ["warn"]


def test_a_few_even_quantities_on_a_small_day_are_chance() -> None:
    events = on_days(list(range(5)), rows=20)
    events["quantity"] = [1.0, 2.0, 2.0, 2.0] * 25
    events.loc[weeks.days(events["event_time"]) == MONDAY + 4, "quantity"] = 2.0  # 0.75 ** 20 = 0.003
    assert time_checks.doubled_day(events) == []


def test_a_last_week_of_a_third_warns_and_of_a_twentieth_stops() -> None:
    weekly = [on_days([week * 7 + d for d in range(7)], rows=60) for week in range(5)]
    for rows, severity in ((20, "warn"), (3, "stop")):
        last = on_days([35 + d for d in range(7)], rows=rows)
        assert [f.severity for f in time_checks.volume(pd.concat([*weekly, last]), SETTINGS)] == [severity]
    assert time_checks.volume(pd.concat(weekly), SETTINGS) == []


def test_a_last_week_of_a_twentieth_only_warns_where_weeks_always_varied() -> None:
    weekly = [on_days([week * 7 + d for d in range(7)], rows=(90, 20)[week % 2]) for week in range(5)]
    last = on_days([35 + d for d in range(7)], rows=1)
    assert [f.severity for f in time_checks.volume(pd.concat([*weekly, last]), SETTINGS)] == ["warn"]


def test_shuffled_shoppers_share_baskets() -> None:
    events = shop()
    assert value_checks.one_shopper_a_basket(events, SETTINGS) == []
    shuffled = events.assign(user_id=np.random.default_rng(1).permutation(events["user_id"].to_numpy()))
    assert [f.severity for f in value_checks.one_shopper_a_basket(shuffled, SETTINGS)] == ["stop"]


def test_shuffled_items_are_named_with_their_week_and_prices_in_cents_are_not_taken_for_them() -> None:
    events = shop()
    last = events["event_time"] >= (MONDAY + 63) * DAY_S
    assert value_checks.item_prices(events.assign(price=events["price"].mask(last, events["price"] * 100))) == []
    mixed = events["item_id"].to_numpy().copy()
    mixed[last] = np.random.default_rng(1).permutation(mixed[last])
    findings = value_checks.item_prices(events.assign(item_id=mixed))
    assert [f.received.split(" ", 1)[1] for f in findings] == ["in the week of 2024-03-04"]


def test_ids_of_another_catalog_stop_and_a_few_new_ones_warn() -> None:
    events = pd.DataFrame({"item_id": ["a"] * 96 + ["x"] * 4})
    items = pd.DataFrame({"item_id": ["a", "b"]})
    assert [f.severity for f in value_checks.known_items(events, items, SETTINGS)] == ["warn"]
    assert [f.severity for f in value_checks.known_items(events.replace("a", "y"), items, SETTINGS)] == ["stop"]


def test_a_users_table_of_strangers_warns() -> None:
    events = pd.DataFrame({"user_id": ["a", "b"]})
    assert value_checks.known_users(events, pd.DataFrame({"user_id": ["b", "z"]})) == []
    assert [f.severity for f in value_checks.known_users(events, pd.DataFrame({"user_id": ["z"]}))] == ["warn"]


def test_a_price_a_hundred_times_the_last_names_day_and_ratio() -> None:
    events = on_days(list(range(21)), rows=20)
    assert value_checks.scale(events, "price", SETTINGS) == []
    events.loc[weeks.days(events["event_time"]) == MONDAY + 20, "price"] *= 100
    findings = value_checks.scale(events, "price", SETTINGS)
    assert [f.received for f in findings] == ["200 on the day of 2024-01-21 (x100)"]


def test_the_checks_leave_their_input_as_it_was() -> None:
    events = shop()
    before = events.copy()
    value_checks.item_prices(events)
    value_checks.duplicate_keys(schema.EVENTS, events, SETTINGS)
    with_derived(schema.EVENTS, events)
    pd.testing.assert_frame_equal(events, before)


def test_the_order_of_rows_does_not_matter() -> None:
    events = shop()
    broken = events.assign(price=events["price"].mask(weeks.days(events["event_time"]) == MONDAY + 40, 9e3))
    shuffled = broken.sample(frac=1.0, random_state=2)
    assert value_checks.scale(broken, "price", SETTINGS) == value_checks.scale(shuffled, "price", SETTINGS) != []


def test_returned_quantities_count_without_their_sign() -> None:
    frame = pd.DataFrame({"event_time": [0.0, 0.0], "event_type": ["return", "purchase"], "quantity": [-2.0, -2.0]})
    assert with_derived(schema.EVENTS, frame)["quantity"].tolist() == [2.0, -2.0]


def test_the_verdict_is_the_worst_severity_and_stops_come_first() -> None:
    def finding(severity: str, check: str) -> Finding:
        words = {"expected": "e", "received": "r", "what_to_do": "d"}
        return Finding(table="t", column="c", check=check, severity=severity, **words)  # type: ignore[arg-type]

    warn, stop = finding("warn", "a"), finding("stop", "b")
    assert [verdict_of([]), verdict_of([warn]), verdict_of([warn, stop])] == ["ok", "warn", "stop"]
    assert worst_first([warn, stop, warn]) == (stop, warn)
