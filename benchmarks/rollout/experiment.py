"""Do an experiment's intervals cover the truth on the demo's shoppers, and what is their past worth?

`python -m benchmarks experiment` needs the trips that `python -m benchmarks quality` left, and writes
build/bench/experiment.json. Shoppers are drawn with replacement from the demo's and split by chance; the treatment
keeps each hit with a known probability. Outcomes are the hits of personal frequency on the second half of the test
span; purchases before the cut and hits in the first half are the past.

Shape legend: S shoppers, P figures of the past, T trips.
"""

from typing import Any

import numpy as np

from benchmarks.rollout.simulation import Real, demo_trips, real_trips
from components.rollout.experiment.estimate import Shoppers, effect, explained, linearized
from components.rollout.experiment.size import baseline, shoppers_needed
from model.data.trips import Trips
from pipelines.local.experiment_analysis import DAY_S, PAST_DAYS

SEED = 7
RUNS = 2000
SHOPPERS = 3000
ALPHA, POWER = 0.05, 0.8
WORLDS = ({"kept": 1.0, "share": 0.5}, {"kept": 0.9, "share": 0.5}, {"kept": 0.9, "share": 0.1})
EFFECTS = (0.02, 0.05, 0.1)


def main() -> dict[str, Any]:
    trips = demo_trips()
    return measure(shoppers_of(trips, real_trips(trips)), RUNS)


def shoppers_of(trips: Trips, real: Real) -> Shoppers:
    """Those who came in the second half of the test span, all of them in one arm."""
    users = np.unique(trips.user_T[trips.test_trips()])
    middle = (int(real.time_T.min()) + int(real.time_T.max())) / 2
    late, count = real.time_T >= middle, len(users)
    trips_S, hits_S = (np.bincount(real.user_T[late], weights, count) for weights in (None, real.hits_T[late]))
    before_S, hits_before_S = (np.bincount(real.user_T[~late], w, count) for w in (None, real.hits_T[~late]))
    span = (trips.event_time_E < trips.cut_s) & (trips.event_time_E >= trips.cut_s - PAST_DAYS * DAY_S)
    span &= np.isin(trips.event_user_E, users)
    user_E = np.searchsorted(users, trips.event_user_E[span])
    moments = np.unique(np.stack([user_E, trips.event_time_E[span]]), axis=1)[0]
    items_S, moments_S = np.bincount(user_E, minlength=count), np.bincount(moments, minlength=count)
    past = [np.log1p(moments_S), items_S / np.maximum(moments_S, 1), moments_S > 0]
    past += [hits_before_S / np.maximum(before_S, 1), before_S > 0]
    came = trips_S > 0
    return Shoppers(
        treated_S=np.zeros(int(came.sum()), bool),
        hits_S=hits_S[came],
        trips_S=trips_S[came].astype(float),
        past_SP=np.stack(past, axis=1)[came].astype(float),
    )


def measure(real: Shoppers, runs: int) -> dict[str, Any]:
    """Coverage and width over `runs` experiments of each world, and the sizes that the demo's shoppers ask for."""
    rng = np.random.default_rng(SEED)
    value_S = linearized(real.hits_S, real.trips_S)
    before = baseline(real.hits_S, real.trips_S, real.past_SP)
    arms = {"plain": 0.0, "adjusted": before.rho}
    return {
        "runs": runs,
        "shoppers": SHOPPERS,
        "real": {"shoppers": before.shoppers, "hits_per_trip": before.mean, "sd": before.sd, "rho": before.rho},
        "explained": {
            "purchases": explained(value_S, real.past_SP[:, :3]),
            "purchases_and_hits": explained(value_S, real.past_SP),
        },
        "worlds": [world | _covered(real, world["kept"], world["share"], runs, rng) for world in WORLDS],
        "sizes": [
            {"effect": size}
            | {name: shoppers_needed(before, size, POWER, ALPHA, rho=rho)[1] for name, rho in arms.items()}
            for size in EFFECTS
        ],
    }


def _covered(real: Shoppers, remaining: float, share: float, runs: int, rng: np.random.Generator) -> dict[str, float]:
    """Share of the intervals that cover `remaining`, and how much narrower the adjusted ones are."""
    inside, always, widths = np.zeros(2), 0, np.zeros(2)
    for _ in range(runs):
        drawn = rng.integers(0, len(real.hits_S), SHOPPERS)
        treated_S = rng.random(SHOPPERS) < share
        hits_S = real.hits_S[drawn]
        hits_S = np.where(treated_S, rng.binomial(hits_S.astype(int), remaining), hits_S).astype(float)
        split = Shoppers(treated_S=treated_S, hits_S=hits_S, trips_S=real.trips_S[drawn], past_SP=real.past_SP[drawn])
        plain, adjusted = effect(split, ALPHA, adjust=False), effect(split, ALPHA)
        assert plain is not None and adjusted is not None
        inside += [way.low <= remaining <= way.high for way in (plain, adjusted)]
        always += adjusted.always_low <= remaining <= adjusted.always_high
        widths += [np.log(way.high / way.low) for way in (plain, adjusted)]
    return {
        "covered": inside[0] / runs,
        "covered_adjusted": inside[1] / runs,
        "covered_always": always / runs,
        "narrower": 1 - widths[1] / widths[0],
    }
