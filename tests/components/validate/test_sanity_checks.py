"""The plain checks on small frames with a hand-computed answer."""

import numpy as np
import pandas as pd

from components.artifacts.validation import Finding, verdict_of, worst_first
from components.tfdv.derived_columns import with_derived
from components.validate import calendar_weeks as weeks
from components.validate import id_changes, time_checks, value_checks
from components.validate.load_tables import Loaded
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


def test_days_that_always_repeat_are_no_copies() -> None:
    every_day_the_same = on_days(list(range(40)), rows=30).assign(user_id="u", item_id="i")
    assert time_checks.copied_day(every_day_the_same) == []


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


def test_ids_of_the_items_table_in_another_notation_are_recognised() -> None:
    items = pd.DataFrame({"item_id": ["007", "12", "Ab"]})
    for written, twin in (("7", "007"), ("12.0", "12"), ("AB", "Ab")):
        events = pd.DataFrame({"item_id": [written] * 10})
        (unknown,) = value_checks.known_items(events, items, SETTINGS)
        assert unknown.received.endswith(f"{written!r} (ids in another notation: {written!r} for {twin!r})")
    assert value_checks.notation(pd.Series(["x", "y", "12.0"]), items["item_id"]) == ""


def test_ids_that_come_and_go_within_the_blessed_span_are_no_renamed_ones() -> None:
    visitors, regulars = ([f"u{i}" for i in range(100)], ["u0", "u1", "u2", "u3", "u4"] * 20)
    for users, returning, severity in ((visitors, 0.0, []), (regulars, 100.0, ["stop"])):
        events = pd.DataFrame({"user_id": users, "event_time": np.arange(100.0)})
        assert id_changes.returning_percent(events, "user_id") == returning
        before, after = (id_changes.by_id(frame, "user_id") for frame in (events, events.replace("u", "v", regex=True)))
        findings = id_changes.unknown("user_id", before, after, returning, SETTINGS)
        assert [finding.severity for finding in findings] == severity


def test_values_that_went_missing_stop_and_a_column_that_began_late_warns() -> None:
    events = on_days(list(range(42)), rows=10)
    days = (events["event_time"] // DAY_S).astype(int) - MONDAY
    assert value_checks.null_jump(events, ["price"], SETTINGS) == []
    for rows, severity in ((days < 14, "warn"), (days >= 35, "stop"), ((days >= 14) & (days < 21), "stop")):
        (jump,) = value_checks.null_jump(events.assign(price=events["price"].mask(rows)), ["price"], SETTINGS)
        assert (jump.column, jump.severity) == ("price", severity)
        assert jump.received == f"100 % in the week of {weeks.date_text(MONDAY + int(days[rows].min()))}"
    few = pd.concat([events[days < 35], events[days >= 35].iloc[::7].assign(price=np.nan)])
    assert len(few[few["price"].isna()]) < 20
    assert value_checks.null_jump(few, ["price"], SETTINGS) == []


def test_a_reference_of_more_than_a_year_ago_only_warns_about_ids() -> None:
    stop = [Finding("events", "user_id", "reference_ids", "stop", "e", "r", "d")]
    assert [finding.severity for finding in id_changes.softened(stop, days_apart=365)] == ["stop"]
    assert [finding.severity for finding in id_changes.softened(stop, days_apart=366)] == ["warn"]


def test_promotions_of_unknown_items_warn() -> None:
    items, promotions = pd.DataFrame({"item_id": ["a"]}), pd.DataFrame({"item_id": ["a", "z"]})
    assert value_checks.promoted_items(promotions[:1], items) == []
    (unknown,) = value_checks.promoted_items(promotions, items)
    assert (unknown.table, unknown.severity, unknown.received) == (
        "promotions",
        "warn",
        "50.0 % of them with other ids, such as 'z'",
    )


def test_views_that_become_purchases_in_some_weeks_are_named() -> None:
    events = on_days(list(range(42)), rows=10).assign(event_type=(["purchase"] * 4 + ["view"] * 6) * 42)
    assert value_checks.type_jump(events, SETTINGS) == []
    lost = events["event_time"] >= (MONDAY + 35) * DAY_S
    (jump,) = value_checks.type_jump(events.assign(event_type=events["event_type"].mask(lost, "purchase")), SETTINGS)
    assert (jump.column, jump.severity) == ("event_type", "warn")
    assert jump.expected.startswith("event type purchase in about 40 %")
    assert jump.received == "100 % in the week of 2024-02-05"


def test_weeks_in_another_time_zone_are_named_with_the_hours_and_daylight_saving_time_is_not() -> None:
    events = shop()
    assert time_checks.shifted_hours(events) == []
    third = weeks.full_weeks(events["event_time"]) == 3
    for hours, received in ((8, "+8 h"), (-5, "-5 h")):
        moved = events.assign(event_time=events["event_time"] + third * hours * 3600.0)
        (shifted,) = time_checks.shifted_hours(moved)
        assert shifted.column == "event_time" and received in shifted.received, shifted
    summer = events["event_time"] >= (MONDAY + 35) * DAY_S
    assert time_checks.shifted_hours(events.assign(event_time=events["event_time"] + summer * 3600.0)) == []


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
    value_checks.duplicate_keys(
        Loaded(table=schema.EVENTS, frame=events, types={}, rows=len(events), stride=1), SETTINGS
    )
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
