"""Leakage checks on built examples: nothing in them may know what happened at or after the moment it speaks of.

The trips and the catalog are right by construction; these checks make sure, on the data of the run, before anything is
trained. The last one, on attributes, is a statistical test of columns that come from outside.

What cannot be seen here: shuffled times in data without baskets (their trips are made from the times), columns that
know the future only coarsely or of few shoppers or products, and a table that lacks what was gone when it was
exported: missing values are not judged, since real catalogs are like that.

Shape legend: E events, T trips, B basket entries, I items, W snapshots, N shoppers or products, V values of a column, R
rates of repeat purchases.
"""

import numpy as np

from model.data.catalog import MISSING, Catalog
from model.data.time_split import day
from model.data.trips import Trips, slice_positions
from model.errors import CheckFailed
from tfx_configs.units import DAY_S, HOUR_S

EVENTS = 1 << 20
"""Events that are compared with the baskets at once."""
MAX_TRIP_S = 2 * DAY_S
"""What one trip buys lies closer together than this."""
MAX_LONG_PERCENT = 5.0
"""Trips of several products that may be longer, percent."""
SPAN_DAYS = 28
"""Purchases this long before the cut are compared with those as long after it."""
MIN_PURCHASES = 200
"""A span with fewer purchases is not judged."""
MIN_EXPECTED = 30
"""Purchases to expect of a column's value, below which it is not judged."""
MIN_HOLDERS = 10
"""Shoppers or products with a value, below which it is not judged: one product may end by chance."""
GONE_RATIO = 0.1
"""A value is gone when it gets less than this share of the purchases that it got before."""
MAX_GONE_PERCENT = 2.0
"""Purchases before the cut whose value is gone after it, percent. The Complete Journey, 14 cuts: at most 0.7; a column
that holds whether a product was bought in the next 28 days: 9.3, whether a shopper was active: 4.7."""
MAX_GONE_RATIO = 3.0
"""The same over what goes from one span to the next before the cut: seasons and short-lived shoppers are no leak."""


def check_trips(trips: Trips, *, judged_are_learned: bool = True) -> None:
    """Histories are of the right shopper and strictly before; what a trip bought happened on the trip.

    Args:
        trips: before any label policy.
        judged_are_learned: whether the event arrays hold what test labels are made of; where they do not, the baskets
            of test trips cannot be compared with them.

    Raises:
        CheckFailed: naming the first trip that knows its own future, or how many trips are torn apart in time.
    """
    user_E, time_E = trips.event_user_E, trips.event_time_E
    same = user_E[1:] == user_E[:-1]
    ordered = bool(np.all((user_E[1:] > user_E[:-1]) | (same & (time_E[1:] >= time_E[:-1]))))
    _demand(ordered, "events sorted by shopper and time", "an event after a later one")
    _demand(bool(np.all(trips.time_T[1:] >= trips.time_T[:-1])), "trips sorted by time", "a trip after a later one")

    trip_N = np.flatnonzero(trips.history_end_T > trips.history_begin_T)
    first_N, last_N = trips.history_begin_T[trip_N], trips.history_end_T[trip_N] - 1
    others_N = (user_E[first_N] != trips.user_T[trip_N]) | (user_E[last_N] != trips.user_T[trip_N])
    late_N = time_E[last_N] >= trips.time_T[trip_N]
    for wrong_N, what in ((others_N, "another shopper's events"), (late_N, "an event at or after the trip")):
        if wrong_N.any():
            trip = int(trip_N[wrong_N.argmax()])
            where = f"of {trips.user_ids[trips.user_T[trip]]} on {day(int(trips.time_T[trip]))}"
            _demand(False, f"the history of the trip {where} to be the shopper's own, strictly before", what)

    several_T = trips.basket_end_T - trips.basket_begin_T > 1
    several_T &= judged_are_learned | (trips.time_T < trips.cut_s)
    long_percent = 100 * float(_long_trips(trips)[several_T].mean()) if several_T.any() else 0.0
    if long_percent > MAX_LONG_PERCENT:
        raise CheckFailed(
            f"events: expected the products of a basket_id within {MAX_TRIP_S // HOUR_S} hours of each other, got "
            f"{long_percent:.0f} % of baskets longer; event_time does not belong to its row, or basket_id is not a trip"
        )


def check_catalog(trips: Trips, catalog: Catalog) -> None:
    """Snapshots count only what was bought before them, and the catalog only what was bought before the cut; rates of
    repeat purchases do not know what the ranker's trips bought.

    Raises:
        CheckFailed: naming a product that is known too early.
    """
    first_I = np.full(catalog.items, np.iinfo(np.int64).max)
    np.minimum.at(first_I, trips.event_item_E, trips.event_time_E)
    _demand(
        int(catalog.snapshot_W[-1]) == trips.cut_s, "the last snapshot at the cut", day(int(catalog.snapshot_W[-1]))
    )
    early_WI = (catalog.decayed_WI > 0) & (first_I >= catalog.snapshot_W[:, None])
    early_I = early_WI.any(axis=0) | ((catalog.price_I > 0) & (first_I >= trips.cut_s))
    if early_I.any():
        item = catalog.item_ids[early_I.argmax()]
        _demand(False, "only products bought before a snapshot to be known in it", f"{item}, bought later")
    # The ranker's trips begin within a week after the first snapshot.
    later_I = first_I >= catalog.snapshot_W[:2][-1]
    code_NA = catalog.attribute_IA[later_I]
    rate_NR = np.column_stack([code_NA, catalog.repurchase_I[later_I], catalog.hazard_IG[later_I]])
    alike = len(np.unique(code_NA, axis=0)) == len(np.unique(rate_NR, axis=0))
    _demand(alike, "one rate of repeat purchases for all new products with the same attributes", "several")
    time_E = np.sort(trips.event_time_E)
    begin_W, end_W = (np.searchsorted(time_E, catalog.snapshot_W - ago) for ago in (7 * DAY_S, 0))
    counted_W = catalog.recent_WI.sum(axis=1, dtype=np.float64)
    _demand(bool(np.all(counted_W == end_W - begin_W)), "each snapshot to count the 7 days before it", "another number")


def check_attributes(trips: Trips, catalog: Catalog) -> None:
    """No attribute of products or shoppers predicts by its values what is bought after the cut.

    Sign of a leak: values that had their share of the purchases up to the cut, and hardly any from the cut on.
    Spans with too few purchases are not judged.

    Raises:
        CheckFailed: naming table and column.
    """
    code_UD = catalog.user_attribute_UD[catalog.user_rows(trips.user_ids)]
    items = zip(catalog.attribute_names, catalog.attribute_IA.T, strict=True)
    users = zip(catalog.user_attribute_names, code_UD.T, strict=True)
    columns = [("items", trips.event_item_E, column) for column in items]
    columns += [("users", trips.event_user_E, column) for column in users]
    time_E, cut_s = trips.event_time_E, trips.cut_s
    span_s = min(SPAN_DAYS * DAY_S, int(time_E.max()) + 1 - cut_s, (cut_s - int(time_E.min())) // 2)
    earlier_E, before_E, after_E = (
        (time_E >= cut_s + n * span_s) & (time_E < cut_s + (n + 1) * span_s) for n in (-2, -1, 0)
    )
    if min(earlier_E.sum(), before_E.sum(), after_E.sum()) < MIN_PURCHASES:
        return
    for table, holder_E, (name, code_N) in columns:
        gone = _gone_percent(holder_E, code_N, before_E, after_E)
        usual = _gone_percent(holder_E, code_N, earlier_E, before_E)
        if gone > MAX_GONE_PERCENT and gone > MAX_GONE_RATIO * usual:
            raise CheckFailed(
                f"{table}: expected column {name} to be known before the cut, got values that made {gone:.1f} % of "
                f"purchases in the {span_s / DAY_S:.0f} days before {day(cut_s)} and hardly any after it; "
                f"use its values as of that day, or leave the column out"
            )


def _gone_percent(holder_E: np.ndarray, code_N: np.ndarray, first_E: np.ndarray, then_E: np.ndarray) -> float:
    """Purchases of the first span whose value is all but gone in the second one, percent."""
    size = int(code_N.max()) + 1
    first_V, then_V = (np.bincount(code_N[holder_E[span_E]], minlength=size) for span_E in (first_E, then_E))
    holders_V = np.bincount(code_N[np.unique(holder_E[first_E])], minlength=size)
    expected_V = first_V * (then_E.sum() / first_E.sum())
    gone_V = (expected_V >= MIN_EXPECTED) & (holders_V >= MIN_HOLDERS) & (then_V < GONE_RATIO * expected_V)
    gone_V[MISSING] = False
    return 100 * float(first_V[gone_V].sum() / first_E.sum())


def _long_trips(trips: Trips) -> np.ndarray:
    """[T] bool: something in the basket was not bought within MAX_TRIP_S of the trip's moment."""
    long_T = np.zeros(len(trips), bool)
    for stretch in trips.by_shopper(EVENTS):
        user_E, items = trips.event_user_E[stretch], len(trips.item_ids)
        which = np.flatnonzero((trips.user_T >= user_E[0]) & (trips.user_T <= user_E[-1]))
        position_B, row_B = slice_positions(trips.basket_begin_T[which], trips.basket_end_T[which])
        trip_B = which[row_B]
        pair_E = user_E.astype(np.int64) * items + trips.event_item_E[stretch]
        pair_B = trips.user_T[trip_B].astype(np.int64) * items + trips.basket_item_B[position_B]
        order = np.lexsort((trips.event_time_E[stretch], pair_E))
        distinct, dense = np.unique(pair_E[order], return_inverse=True)
        moment_E = dense.astype(np.int64) * (1 << 34) + trips.event_time_E[stretch][order]
        wanted_B = np.searchsorted(distinct, pair_B) * (1 << 34) + trips.time_T[trip_B]
        next_B = np.searchsorted(moment_E, wanted_B).clip(max=len(moment_E) - 1)
        delay_B = moment_E[next_B] - wanted_B
        long_T[trip_B[(delay_B < 0) | (delay_B > MAX_TRIP_S)]] = True
    return long_T


def _demand(condition: bool, expected: str, got: str) -> None:
    if not condition:
        raise CheckFailed(f"leakage: expected {expected}, got {got}; this is a defect of the examples stage, report it")
