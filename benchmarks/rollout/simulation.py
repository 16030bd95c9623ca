"""Rollouts of shoppers that are drawn from the demo's, decided by the real state machine, thousands of times.

Shape legend: T trips of a simulated month, U its shoppers.
"""

import dataclasses
import math
from typing import Any

import numpy as np

from benchmarks.harness import shop
from components.kfp_support.progress import progress
from components.rollout.decision.evidence import Evidence, VersionEvidence
from components.rollout.decision.state_machine import RolloutState, apply, decide
from model.data.personal_frequency import top_frequency
from model.data.trips import Trips
from model.evaluation.clustered_errors import Z95, ratio
from tfx_configs.rollout import RolloutSettings
from tfx_configs.units import DAY_S

HALF_LIFE_DAYS = 60.0
K = 10
ASSUMED: dict[str, Any] = {"errors": 0, "p50_ms": 5.0, "p99_ms": 10.0, "p99_low_ms": 10.0}
"""Of both versions: only outcomes and the split are simulated."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Real:
    """What shoppers did in the test span, in time order, and how many of ten recommended items each trip hit."""

    user_T: np.ndarray
    """[T] int, 0 to the number of shoppers."""
    time_T: np.ndarray
    hits_T: np.ndarray


@dataclasses.dataclass(frozen=True, kw_only=True)
class Month:
    """One simulated month. `place_U` in [0, 100): with the canary while its share is above that."""

    user_T: np.ndarray
    stable_T: np.ndarray
    """[T] hits of the stable version on each trip, were it asked."""
    canary_T: np.ndarray
    place_U: np.ndarray


@dataclasses.dataclass(frozen=True, kw_only=True)
class End:
    """How one rollout went: promoted, rolled_back or undecided, and after how many requests in all."""

    state: str
    requests: int


def demo_trips() -> Trips:
    """Those of the quality benchmark's last cut."""
    return Trips.load(shop.examples() / Trips.DIRECTORY)


def real_trips(trips: Trips) -> Real:
    """Hits of personal frequency, the first stable model, on every test trip."""
    progress("hits of personal frequency on every test trip")
    test = trips.test_trips()
    hits_T = np.zeros(len(test), np.int64)
    for row, trip in enumerate(test):
        past = trips.history(int(trip))
        age_days = (trips.time_T[trip] - trips.event_time_E[past]) / DAY_S
        top = top_frequency(np.zeros(len(past)), trips.event_item_E[past], age_days, HALF_LIFE_DAYS)[1][:K]
        hits_T[row] = np.isin(top, trips.basket(int(trip))).sum()
    _, user_T = np.unique(trips.user_T[test], return_inverse=True)
    return Real(user_T=user_T, time_T=trips.time_T[test], hits_T=hits_T)


def month(real: Real, shoppers: int, loss: float, rng: np.random.Generator) -> Month:
    """`shoppers` drawn with replacement, each with all its trips; the canary keeps each hit with 1 - loss."""
    order = np.argsort(real.user_T, kind="stable")
    begin = np.searchsorted(real.user_T[order], np.arange(real.user_T.max() + 2))
    drawn = rng.integers(0, len(begin) - 1, shoppers)
    count = begin[drawn + 1] - begin[drawn]
    user_T = np.repeat(np.arange(shoppers), count)
    offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    trip_T = order[np.repeat(begin[drawn], count) + offset]
    by_time = np.argsort(real.time_T[trip_T] + rng.random(len(trip_T)), kind="stable")
    stable_T = real.hits_T[trip_T][by_time]
    return Month(
        user_T=user_T[by_time],
        stable_T=stable_T,
        canary_T=rng.binomial(stable_T, 1 - loss),
        place_U=rng.random(shoppers) * 100,
    )


def roll_out(world: Month, plan: RolloutSettings, check_every: int) -> End:
    """The real state machine, asked after every `check_every` requests, until it decides or the month is over."""
    state, sums, at = RolloutState(percent=plan.percents[0]), _Sums(world), 0
    while at < len(world.user_T):
        sums.add(at, at + check_every, state.percent)
        at = min(at + check_every, len(world.user_T))
        decision = decide(plan, state, sums.evidence())
        moved = apply(state, decision)
        if moved.state != "running" or (moved.percent == 100 and decision.action == "step"):
            # At 100 % nothing is compared any more: outcomes decide nothing more.
            return End(state="rolled_back" if moved.state == "rolled_back" else "promoted", requests=at)
        if moved.percent != state.percent:
            sums = _Sums(world)
        elif decision.action == "hold" and not decision.wants_traffic:
            break
        state = moved
    return End(state="undecided", requests=at)


def fixed(world: Month, horizon: int, check_every: int, peeked: bool) -> End:
    """The usual test at half and half: a loss is certain when the 95 % interval excludes equality.

    Evaluated once, after `horizon` requests, or after every `check_every` of them.
    """
    sums = _Sums(world)
    for at in range(check_every, horizon + check_every, check_every):
        sums.add(at - check_every, at, 50)
        log_ratio, se = sums.log_ratio()
        if (peeked or at >= horizon) and log_ratio + Z95 * se < 0:
            return End(state="rolled_back", requests=at)
    return End(state="promoted", requests=horizon)


def horizon_for(real: Real, shoppers: int, loss: float, check_every: int, rng: np.random.Generator) -> int:
    """Requests at half and half after which a loss is detected with 90 %: se = |log(1 - loss)| / (1.96 + 1.28)."""
    wanted = -math.log1p(-loss) / (Z95 + 1.2816)
    horizons = []
    for _ in range(20):
        world = month(real, shoppers, 0.0, rng)
        sums, at = _Sums(world), 0
        while at < len(world.user_T) and (at == 0 or sums.log_ratio()[1] > wanted):
            sums.add(at, at + check_every, 50)
            at += check_every
        horizons.append(at)
    return int(np.median(horizons))


class _Sums:
    """Hits and trips of each shopper since the current percent was set. Row 0: stable, row 1: canary."""

    def __init__(self, world: Month) -> None:
        self._world = world
        self._hits = np.zeros((2, len(world.place_U)))
        self._trips = np.zeros((2, len(world.place_U)))

    def add(self, begin: int, end: int, percent: int) -> None:
        world, rows = self._world, slice(begin, end)
        user = world.user_T[rows]
        side = (world.place_U[user] < percent).astype(int)
        np.add.at(self._hits, (side, user), np.where(side, world.canary_T[rows], world.stable_T[rows]))
        np.add.at(self._trips, (side, user), 1)

    def evidence(self) -> Evidence:
        return Evidence(stable=self._version(0), canary=self._version(1))

    def log_ratio(self) -> tuple[float, float]:
        """(log of canary over stable, its standard error)."""
        stable, canary = self._version(0), self._version(1)
        errors = [version.hits_per_trip_se / version.hits_per_trip for version in (stable, canary)]
        return math.log(canary.hits_per_trip / stable.hits_per_trip), math.hypot(*errors)

    def _version(self, side: int) -> VersionEvidence:
        came = self._trips[side] > 0
        hits, trips = self._hits[side][came], self._trips[side][came]
        requests = int(trips.sum())
        return VersionEvidence(
            requests=requests,
            shoppers=len(trips),
            trips=requests,
            hits=int(hits.sum()),
            hits_per_trip_se=ratio(hits, trips, np.arange(len(trips))).se,
            **ASSUMED,
        )
