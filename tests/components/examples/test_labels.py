"""The label policy on a shop of a few trips, with hand-computed answers. Day 0 is 2024-01-01; the cut is day 20."""

import numpy as np
import pandas as pd
import pytest

from components.examples.catalog import build_catalog
from components.examples.labels import label
from components.examples.parts import Lines
from model.data.batch import TripReader
from model.data.catalog import Catalog
from model.data.labels import positives
from model.data.trips import Trips
from tests.trips_of_events import trips_and_lines
from tfx_configs.frozen import SettingsError
from tfx_configs.labels import LabelSettings
from tfx_configs.settings import FeatureSettings, RunSettings

DAY_0 = pd.Timestamp("2024-01-01")
CUT_S = int((DAY_0 + pd.Timedelta(days=20)).timestamp())
ITEMS = pd.DataFrame(
    {"item_id": ["apple", "pear", "plum", "saw", "drill", "nails"], "aisle": ["fruit"] * 3 + ["tools"] * 3}
)
RUN = RunSettings(features=FeatureSettings(min_item_count=1))


def events(
    *rows: tuple[float, str, str], quantity: float = 1.0, kind: str = "purchase", user: str = "ann"
) -> pd.DataFrame:
    """Rows of (day, basket, items parted by a space)."""
    return pd.DataFrame(
        [
            {
                "user_id": user,
                "item_id": item,
                "event_time": (DAY_0 + pd.Timedelta(days=day)).round("s"),
                "basket_id": basket,
                "event_type": kind,
                "quantity": quantity,
                "price": 1.0,
                "store_id": "",
            }
            for day, basket, items in rows
            for item in items.split()
        ]
    )


def world(frame: pd.DataFrame, settings: LabelSettings) -> tuple[Trips, Lines, Catalog]:
    item_ids = np.sort(ITEMS["item_id"].to_numpy(str)).astype(object)
    trips, lines = trips_and_lines(frame, item_ids, CUT_S, 100, settings)
    return trips, lines, build_catalog(trips, lines.price_E, ITEMS, None, (), RUN)


def labelled(frame: pd.DataFrame, **settings: object) -> tuple[Trips, dict[str, float]]:
    policy = LabelSettings(**settings)  # type: ignore[arg-type]
    return label(*world(frame, policy), policy)


def baskets(trips: Trips) -> list[str]:
    return [" ".join(trips.item_ids[trips.basket(t)]) for t in range(len(trips))]


def histories(trips: Trips) -> list[str]:
    return [" ".join(trips.item_ids[trips.event_item_E[trips.history(t)]]) for t in range(len(trips))]


PLAIN = events((1, "b1", "apple pear"), (5, "b2", "apple"), (25, "b3", "pear saw"))
TEST_TRIP = events((25, "t", "pear saw"))


def test_without_switches_the_labels_are_the_baskets() -> None:
    trips, report = labelled(PLAIN)
    assert baskets(trips) == ["apple pear", "apple", "pear saw"]
    assert not any(report.values())


def test_views_and_nothing_bought_are_no_positives() -> None:
    frame = pd.concat([PLAIN, events((6, "b4", "plum"), kind="view"), events((7, "b5", "plum"), quantity=0.0)])
    assert len(positives(frame, LabelSettings())) == len(PLAIN)
    assert len(positives(frame, LabelSettings(positive_types=("purchase", "view")))) == len(PLAIN) + 1


def test_a_return_is_no_label_and_leaves_the_history_only_after_its_time() -> None:
    frame = pd.concat([PLAIN, events((3, "r", "apple"), kind="return"), events((2, "b9", "plum"))])
    trips, report = labelled(frame)
    assert baskets(trips) == ["pear", "plum", "apple", "pear saw"]
    assert histories(trips) == ["", "apple pear", "pear plum", "pear plum apple"]
    assert report["lines_returned"] == 1


def test_what_is_returned_after_the_cut_stays_a_label_because_it_was_not_known_then() -> None:
    frame = pd.concat([PLAIN, events((21, "r", "apple"), kind="return")])
    trips, report = labelled(frame)
    assert baskets(trips) == ["apple pear", "apple", "pear saw"]
    assert histories(trips)[-1] == "apple pear"
    assert report["lines_returned"] == 0


def test_two_returns_take_back_two_purchases_the_last_first_and_an_old_one_stays() -> None:
    frame = pd.concat([PLAIN, events((6, "r1", "apple"), (7, "r2", "apple"), kind="return")])
    assert baskets(labelled(frame)[0]) == ["pear", "", "pear saw"]
    assert baskets(labelled(frame, return_days=3)[0]) == ["apple pear", "", "pear saw"]
    assert baskets(labelled(frame, return_days=0)[0]) == ["apple pear", "apple", "pear saw"]


def sold(*rows: tuple[float, str, str, float]) -> pd.DataFrame:
    """Rows of (day, basket, item, pieces); a negative number of pieces is a return of as many."""
    return pd.concat(
        events((day, basket, item), quantity=abs(pieces), kind="return" if pieces < 0 else "purchase")
        for day, basket, item, pieces in rows
    )


def test_a_return_takes_back_its_quantity_and_the_purchase_disappears_when_nothing_is_left() -> None:
    bought = [(1, "b1", "apple", 2.0), (5, "b2", "apple", 3.0), (25, "b3", "pear", 1.0)]
    for returned, left in (
        ([-1.0], "apple apple"),
        ([-1.0, -1.0], "apple apple"),
        ([-3.0], "apple"),
        ([-1.0, -2.0], "apple"),
        ([-4.0], "apple"),
        ([-5.0], ""),
        ([-0.3, -2.7], "apple"),
    ):
        rows = [(6 + n, f"r{n}", "apple", pieces) for n, pieces in enumerate(returned)]
        trips, report = labelled(sold(*bought, *rows))
        assert histories(trips)[-1] == left, returned
        assert " ".join(baskets(trips)[:2]).strip() == left, returned
        assert report["returns_unmatched"] == 0


def test_returns_without_a_purchase_to_take_back_are_counted() -> None:
    frame = sold((1, "r0", "apple", -1), (2, "b1", "apple", 1), (3, "r1", "apple", -2), (4, "r2", "apple", -1))
    trips, report = labelled(pd.concat([frame, TEST_TRIP]))
    # r0 came before the purchase, r2 found nothing left; one piece of r1 was there to take.
    assert report["returns_unmatched"] == 2 and baskets(trips) == ["", "pear saw"]
    assert labelled(pd.concat([frame, TEST_TRIP]), return_days=0)[1]["returns_unmatched"] == 3


def test_a_return_takes_back_a_purchase_and_no_view() -> None:
    frame = pd.concat([PLAIN, events((6, "v", "apple"), kind="view"), events((7, "r", "apple"), kind="return")])
    trips, _ = labelled(frame, positive_types=("purchase", "view"))
    assert baskets(trips)[:3] == ["apple pear", "", "apple"]


def test_a_return_at_the_very_second_of_a_trip_is_not_known_to_it() -> None:
    frame = pd.concat([PLAIN, events((25, "r", "apple"), kind="return")])
    assert histories(labelled(frame)[0])[-1] == "apple pear apple"


def test_a_return_by_someone_else_or_of_something_unknown_is_ignored() -> None:
    strangers = [
        events((6, "r1", "apple"), kind="return", user="bob"),
        events((6, "r2", "anvil"), kind="return"),
    ]
    assert baskets(labelled(pd.concat([PLAIN, *strangers]))[0]) == ["apple pear", "apple", "pear saw"]


def test_a_test_trip_keeps_its_labels_regardless_of_the_policy() -> None:
    frame = pd.concat([PLAIN, events((26, "r", "saw"), kind="return"), events((27, "b4", "plum"), quantity=50.0)])
    trips, _ = labelled(frame, quantity_quantile=0.5, outcome_hours=72, gift_familiarity=1.0, gift_min_trips=1)
    assert baskets(trips)[-2:] == ["pear saw", "plum"]
    assert histories(trips)[-1] == "apple pear apple pear"


def test_outcomes_within_the_window_are_labels_but_never_from_behind_the_cut() -> None:
    frame = events(
        (1, "b1", "apple"), (1.5, "b2", "pear"), (3, "b3", "plum"), (19.9, "b4", "saw"), (20.1, "b5", "drill")
    )
    trips, report = labelled(frame, outcome_hours=24)
    assert baskets(trips) == ["apple pear", "pear", "plum", "saw", "drill"]
    assert report["lines_late"] == 1


def test_a_basket_that_runs_over_the_cut_is_labelled_by_what_was_bought_before() -> None:
    frame = events((19.9, "b1", "apple"), (20.1, "b1", "pear"), (25, "b2", "plum"))
    trips, report = labelled(frame)
    assert baskets(trips) == ["apple", "plum"]
    assert report["lines_after_cut"] == 1


def test_the_quantity_limit_is_learned_before_the_cut_only() -> None:
    small = events(*[(day, f"b{day}", "apple") for day in range(1, 10)])
    huge = [events((10, "big", "pear"), quantity=40.0), events((25, "later", "plum"), quantity=5000.0)]
    trips, report = labelled(pd.concat([small, *huge]), quantity_quantile=0.9)
    # Ten training lines: nine 1s and 40; the 90 % quantile lies a tenth of the way from the ninth to the tenth.
    assert report["quantity_limit"] == pytest.approx(1 + 0.1 * 39)
    assert (report["lines_quantity"], report["trips_without_label"]) == (1, 1)
    assert baskets(trips)[-2:] == ["", "plum"]


def test_a_large_basket_of_strange_things_is_a_gift_and_a_small_or_familiar_one_is_not() -> None:
    usual = events(*[(day, f"b{day}", "apple") for day in range(1, 6)])
    strange = events((10, "gift", "saw drill nails"))
    for late, gifts in ((strange, 1), (events((10, "small", "saw")), 0), (events((10, "known", "apple pear plum")), 0)):
        trips, report = labelled(pd.concat([usual, late, TEST_TRIP]), gift_familiarity=0.5)
        assert report["gift_trips"] == gifts
        assert len(trips.basket(5)) == (0 if gifts else len(late))


def test_a_gift_stays_in_the_history() -> None:
    usual = events(*[(day, f"b{day}", "apple") for day in range(1, 6)])
    trips, _ = labelled(pd.concat([usual, events((10, "gift", "saw drill nails")), TEST_TRIP]), gift_familiarity=0.5)
    assert histories(trips)[-1].split()[-3:] == ["drill", "nails", "saw"]


def test_the_order_of_rows_changes_nothing_and_the_input_stays_as_it_was() -> None:
    frame = pd.concat([PLAIN, events((3, "r", "apple"), kind="return")], ignore_index=True)
    before = frame.copy()
    straight, _ = labelled(frame)
    shuffled, _ = labelled(frame.sample(frac=1.0, random_state=1))
    pd.testing.assert_frame_equal(frame, before)
    assert (baskets(straight), histories(straight)) == (baskets(shuffled), histories(shuffled))


def test_training_reads_histories_without_what_was_returned_and_they_survive_saving(tmp_path) -> None:  # type: ignore[no-untyped-def]
    frame = pd.concat([PLAIN, events((3, "r", "apple"), kind="return")])
    trips, _ = labelled(frame)
    *_, catalog = world(frame, LabelSettings())
    trips.save(tmp_path / "trips")
    batch = TripReader(Trips.load(tmp_path / "trips"), catalog).batch(np.array([1, 2]))
    assert trips.item_ids[batch.history_item_H].tolist() == ["pear", "pear", "apple"]
    assert batch.history_row_H.tolist() == [0, 1, 1]
    assert trips.item_ids[trips.event_item_E[trips.kept_events(CUT_S)]].tolist() == ["pear", "apple"]


@pytest.mark.parametrize("wrong", [{"positive_types": ()}, {"positive_types": ("return",)}, {"outcome_hours": -1.0}])
def test_a_policy_out_of_its_range_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        LabelSettings(**wrong)  # type: ignore[arg-type]
