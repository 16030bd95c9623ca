"""The features of a (request, candidate) pair. A feature is one record and, where it is of a new kind, the loop that
fills its row: `fill(facts, which, row_C)`, of the facts in model/features/seen.py, where `which` is the number within
its kind.

How to add one: docs/extend.md. Shape legend: C candidates, A item attributes, F features.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from model.data.catalog import GAP_DAYS, Catalog
from model.features.own_rhythm import LATELY
from model.features.seen import NEVER_DAYS
from model.kernels.compiler import kernel
from model.kernels.numbers import HALF, ONE, ZERO
from tfx_configs.settings import FeatureSettings


@dataclass(frozen=True)
class Feature:
    """One dense input of the ranker.

    Example:
        >>> Feature("own_count", "purchases of the item by the shopper", count, log=True).which
        0
    """

    name: str
    doc: str
    fill: Callable[..., Any]
    which: int = 0
    """Which attribute, half-life, kind of promotion or value of the context."""
    log: bool = False
    """It enters the ranker as log(1 + x)."""


@kernel
def count(facts, which, row_C):
    row_C[:] = facts.count_C


@kernel
def decayed(facts, which, row_C):
    row_C[:] = facts.decayed_LC[which]


@kernel
def last(facts, which, row_C):
    row_C[:] = facts.last_C


@kernel
def first(facts, which, row_C):
    row_C[:] = facts.first_C


@kernel
def gap(facts, which, row_C):
    row_C[:] = facts.gap_C


@kernel
def overdue(facts, which, row_C):
    for c in range(len(row_C)):
        row_C[c] = facts.last_C[c] / max(facts.gap_C[c], HALF) if facts.gap_C[c] > ZERO else ZERO


@kernel
def trip_share(facts, which, row_C):
    trips = max(facts.context_X[0], ONE)
    for c in range(len(row_C)):
        row_C[c] = facts.count_C[c] / trips


@kernel
def in_last_trip(facts, which, row_C):
    for c in range(len(row_C)):
        row_C[c] = ONE if facts.count_C[c] > ZERO and facts.trip_C[c] == facts.context_X[0] else ZERO


@kernel
def affinity(facts, attribute, row_C):
    for c in range(len(row_C)):
        code = facts.attribute_IA[facts.item_C[c], attribute]
        row_C[c] = facts.decayed_V[facts.first_A[attribute] + code] if code else ZERO


@kernel
def affinity_share(facts, attribute, row_C):
    affinity(facts, attribute, row_C)
    for c in range(len(row_C)):
        row_C[c] /= facts.total


@kernel
def affinity_last(facts, attribute, row_C):
    for c in range(len(row_C)):
        code = facts.attribute_IA[facts.item_C[c], attribute]
        value = facts.first_A[attribute] + code
        row_C[c] = facts.youngest_V[value] if code and facts.decayed_V[value] > ZERO else NEVER_DAYS


@kernel
def recent(facts, which, row_C):
    for c in range(len(row_C)):
        row_C[c] = facts.recent_I[facts.item_C[c]]


@kernel
def popularity(facts, which, row_C):
    for c in range(len(row_C)):
        row_C[c] = facts.decayed_I[facts.item_C[c]]


@kernel
def repurchase(facts, which, row_C):
    for c in range(len(row_C)):
        row_C[c] = facts.repurchase_I[facts.item_C[c]]


@kernel
def price(facts, which, row_C):
    for c in range(len(row_C)):
        row_C[c] = facts.price_I[facts.item_C[c]]


@kernel
def together(facts, which, row_C):
    row_C[:] = facts.together_3C[which]


@kernel
def promotion(facts, kind, row_C):
    for c in range(len(row_C)):
        row_C[c] = np.float32((np.int64(facts.running_C[c]) >> kind) & 1)


@kernel
def context(facts, which, row_C):
    row_C[:] = facts.context_X[which]


@kernel
def here_trip_share(facts, which, row_C):
    trips = max(facts.here.visits_X[0], ONE)
    for c in range(len(row_C)):
        row_C[c] = facts.here.trips_C[c] / trips


@kernel
def visit_share(facts, which, row_C):
    row_C[:] = facts.here.visits_X[0] / max(facts.context_X[0], ONE)


@kernel
def visit_basket(facts, which, row_C):
    visits = facts.here.visits_X
    row_C[:] = visits[1] / visits[0] / facts.context_X[3] if visits[0] > ZERO else ONE


@kernel
def lately_share(facts, which, row_C):
    trips = min(max(facts.context_X[0], ONE), np.float32(LATELY[which]))
    for c in range(len(row_C)):
        row_C[c] = facts.lately_NC[which, c] / trips


@kernel
def near_moment(facts, which, row_C):
    row_C[:] = facts.match_MC[which]


@kernel
def hazard(facts, which, row_C):
    for c in range(len(row_C)):
        stretch = 0
        for days in GAP_DAYS:
            stretch += facts.last_C[c] > days
        row_C[c] = facts.hazard_IG[facts.item_C[c], stretch] if facts.count_C[c] > ZERO else ZERO


KINDS = (
    *(count, decayed, last, first, gap, overdue, trip_share, in_last_trip),
    *(affinity, affinity_share, affinity_last, recent, popularity, repurchase, price, promotion, context),
    *(here_trip_share, visit_share, visit_basket, together),
    *(lately_share, near_moment, hazard),
)
"""Every kind once: what is compiled grows with them, not with the features."""


def feature_records(catalog: Catalog, settings: FeatureSettings) -> tuple[Feature, ...]:
    """All features, in the order in which they enter the ranker."""
    own = (
        Feature("own_count", "purchases of the item by the shopper", count, log=True),
        *(
            Feature(f"own_decayed_{life:g}d", f"the same, each halved every {life:g} days", decayed, i, log=True)
            for i, life in enumerate(settings.half_lives_days)
        ),
        Feature("own_last_days", "days since the shopper last bought it", last, log=True),
        Feature("own_first_days", "days since the shopper first bought it", first, log=True),
        Feature("own_gap_days", "mean days between the shopper's purchases of it", gap, log=True),
        Feature("own_overdue", "days since the last purchase over the mean gap", overdue, log=True),
        Feature("own_trip_share", "share of the shopper's trips that had it", trip_share),
        Feature("own_in_last_trip", "1 when it was bought on the shopper's last trip", in_last_trip),
    )
    of_attributes = tuple(
        feature
        for a, name in enumerate(catalog.attribute_names)
        for feature in (
            Feature(
                f"{name}_decayed",
                f"the shopper's purchases of this {name}, halved every 60 days",
                affinity,
                a,
                log=True,
            ),
            Feature(f"{name}_share", "the same as a share of all the shopper's purchases", affinity_share, a),
            Feature(f"{name}_last_days", f"days since the shopper last bought this {name}", affinity_last, a, log=True),
        )
    )
    of_item = (
        Feature("recent_popularity", "purchases by everybody in the 7 days before the snapshot", recent, log=True),
        Feature("popularity", "purchases by everybody, halved every 28 days", popularity, log=True),
        Feature("repurchase", "share of the item's buyers who bought it again", repurchase),
        Feature("price", "median log price", price),
    )
    promoted = tuple(
        Feature(f"on_{p.kind}", f"1 when the item is on {p.kind} in this store now", promotion, n)
        for n, p in enumerate(catalog.promotions)
    )
    of_moment = (
        Feature("trips", "the shopper's trips so far", context, 0, log=True),
        Feature("last_trip_days", "days since the last trip", context, 1, log=True),
        Feature("trip_gap_days", "mean days between trips", context, 2, log=True),
        Feature("basket_size", "mean purchases a trip", context, 3, log=True),
        Feature("hour_sin", "time of day on a circle", context, 4),
        Feature("hour_cos", "time of day on a circle", context, 5),
        Feature("weekday_sin", "day of the week on a circle", context, 6),
        Feature("weekday_cos", "day of the week on a circle", context, 7),
    )
    of_visits = (
        Feature("own_here_trip_share", "share of the shopper's trips to this store that had it", here_trip_share),
        Feature("here_trip_share", "share of the shopper's trips that were to this store", visit_share),
        Feature("here_basket", "mean purchases a trip in this store over those in all stores", visit_basket),
    )
    along = (
        Feature(
            "together",
            "similarity to the shopper's last purchases by what is bought together, each halved every 60 days",
            together,
            0,
            log=True,
        ),
        Feature("together_last", "the same, to what was bought at the last moment", together, 1, log=True),
        Feature("together_share", "the similarity to the last purchases, over the largest of any item", together, 2),
    )
    of_rhythm = (
        *(
            Feature(f"own_last_{trips}_trips", f"share of the last {trips} trips that had it", lately_share, i)
            for i, trips in enumerate(LATELY)
        ),
        Feature("own_hour_match", "nearness of the time of day to those of its purchases, -1 to 1", near_moment, 0),
        Feature("own_weekday_match", "the same of the moment in the week", near_moment, 1),
        Feature("own_hazard", "how often a day others buy it again, so long after a purchase", hazard),
    )
    return own + of_attributes + of_item + promoted + of_moment + of_visits + along + of_rhythm
