"""Does the rollout roll back what is worse, and only that? Does a change of weights lose a request?

`python -m benchmarks rollout` needs the trips that `python -m benchmarks quality` left, and writes
build/bench/rollout.json. Simulated: months of shoppers drawn from the demo's, decided by the real state machine; the
usual test, evaluated once and again and again, is the peer. Run for real: Envoy under load while the weights change.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.rollout.load import under_load
from benchmarks.rollout.simulation import End, Month, Real, demo_trips, fixed, horizon_for, month, real_trips, roll_out
from components.kfp_support.progress import progress
from tfx_configs.rollout import RolloutSettings

SEED = 7
ROUNDS = 1000
SHOPPERS = 8000
LOSS = 0.1
CHECK_EVERY = 500
PLAN = RolloutSettings(min_outcome_ratio=1 - LOSS)
LOAD_REQUESTS = 50_000


def main() -> dict[str, Any]:
    figures = simulate(real_trips(demo_trips()), ROUNDS)
    progress(f"{LOAD_REQUESTS:,} requests through Envoy while the weights change")
    return figures | under_load(LOAD_REQUESTS)


def simulate(real: Real, rounds: int, shoppers: int = SHOPPERS) -> dict[str, Any]:
    """Rates over `rounds` rollouts of an identical model, and as many of one that loses `LOSS` of its hits."""
    rng = np.random.default_rng(SEED)
    horizon = horizon_for(real, shoppers, LOSS, CHECK_EVERY, rng)
    ways: dict[str, Callable[[Month], End]] = {
        "aisle": lambda world: roll_out(world, PLAN, CHECK_EVERY),
        "fixed horizon, looked at once": lambda world: fixed(world, horizon, CHECK_EVERY, peeked=False),
        "fixed horizon, looked at all the time": lambda world: fixed(world, horizon, CHECK_EVERY, peeked=True),
    }
    ends: dict[tuple[str, str], list[End]] = {}
    for model, loss in (("identical", 0.0), ("worse", LOSS)):
        progress(f"{rounds:,} rollouts of a model that is {model}")
        for _ in range(rounds):
            world = month(real, shoppers, loss, rng)
            for way, run in ways.items():
                ends.setdefault((way, model), []).append(run(world))
    rates = {way: _rates(ends[way, "identical"], ends[way, "worse"]) for way in ways}
    return {
        "rounds": rounds,
        "loss": LOSS,
        "shoppers": shoppers,
        "look_every": CHECK_EVERY,
        "horizon": horizon,
        "plan": PLAN.model_dump(),
        "real": {
            "trips": len(real.user_T),
            "shoppers": int(real.user_T.max()) + 1,
            "hits_per_trip": float(real.hits_T.mean()),
            "design_effect": design_effect(real),
        },
        **rates.pop("aisle"),
        "peers": rates,
    }


def design_effect(real: Real) -> float:
    """Variance of hits per trip with trips of one shopper taken together, over that of independent trips."""
    hits = np.bincount(real.user_T, real.hits_T)
    trips = np.bincount(real.user_T)
    residual = hits - real.hits_T.mean() * trips
    return float((residual @ residual) / (len(real.hits_T) * real.hits_T.var()))


def _rates(same: list[End], lost: list[End]) -> dict[str, Any]:
    """Of rollouts of an identical and of a worse model."""
    requests = [end.requests for end in lost if end.state == "rolled_back"]
    promoted = [end.requests for end in same if end.state == "promoted"]
    return {
        "false_rollback_rate": _rate(same, "rolled_back"),
        "detection_rate": _rate(lost, "rolled_back"),
        "requests_to_detect_p50": float(np.median(requests)) if requests else None,
        "requests_to_detect_p90": float(np.percentile(requests, 90)) if requests else None,
        "requests_to_promote_p50": float(np.median(promoted)) if promoted else None,
        "undecided_rate": {"identical": _rate(same, "undecided"), "worse": _rate(lost, "undecided")},
    }


def _rate(ends: list[End], state: str) -> float:
    return sum(end.state == state for end in ends) / len(ends)
