"""Do an experiment's intervals cover the truth on the demo's shoppers, and what is their past worth?

`python -m benchmarks experiment` needs the trips that `python -m benchmarks quality` left, and writes
build/bench/experiment.json. Shoppers are drawn with replacement from the demo's and split by chance; the treatment
keeps each hit with a known probability. Outcomes are the hits of personal frequency on the second half of the test
span; purchases before the cut and hits in the first half are the past.

Shape legend: S shoppers, P figures of the past, T trips.
"""

from typing import Any

import numpy as np
import pandas as pd

from benchmarks.rollout.simulation import Real, demo_trips, real_trips
from components.rollout.experiment.estimate import Shoppers, effect, explained, linearized
from components.rollout.experiment.size import baseline, shoppers_needed
from model.data.trips import Trips
from pipelines.local.experiment_analysis import DAY_S, PAST_DAYS, past_of

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
    events = {"user_id": trips.event_user_E, "item_id": trips.event_item_E, "event_time": trips.event_time_E}
    bought = pd.DataFrame(events)[trips.event_time_E >= trips.cut_s - PAST_DAYS * DAY_S]
    users = np.unique(trips.user_T[trips.test_trips()])
    visits = pd.DataFrame({"user_id": users[real.user_T], "hits": real.hits_T.astype(float)})
    late = real.time_T >= (int(real.time_T.min()) + int(real.time_T.max())) / 2
    by_shopper = visits[late].groupby("user_id")["hits"]
    came = by_shopper.size()
    return Shoppers(
        treated_S=np.zeros(len(came), bool),
        hits_S=by_shopper.sum().to_numpy(),
        trips_S=came.to_numpy(float),
        past_SP=past_of(bought, visits[~late], trips.cut_s).reindex(came.index, fill_value=0.0).to_numpy(),
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
