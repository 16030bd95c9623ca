"""Can the log of one policy estimate what another would have earned? Estimates against the exact value.

`python -m benchmarks offpolicy` writes build/bench/offpolicy.json. Thousands of logs are drawn from a simulated world
(benchmarks/offpolicy/world.py) through the real re-ranker with draws on, and each is asked what other policies would
have earned: bias, how often the 95 % interval holds the truth, effective sample size.
"""

from typing import Any

import numpy as np

from benchmarks.harness.result_file import write_result
from benchmarks.offpolicy.world import World, log, make, policies, value
from components.kfp_support.progress import progress
from model.evaluation.off_policy import Comparison, compare
from tfx_configs.rerank import RerankSettings

SEED = 7
ROUNDS, REQUESTS = 400, 2000
KINDS, CANDIDATES = 200, 80
LOGGED = {
    "10 % of lists draw of 50": RerankSettings(explore_percent=10, explore_place=10, explore_pool=50),
    "30 % of lists draw of 10": RerankSettings(explore_percent=30, explore_place=10, explore_pool=10),
}
WAYS = ("ips", "snips", "dr")


def main() -> None:
    print(write_result("offpolicy", measure(ROUNDS, REQUESTS), SEED))


def measure(rounds: int, requests: int) -> dict[str, Any]:
    """{rounds, requests, cases: [{logged, policy, truth, effective_p50, chances, support, ways: {way: {...}}}]}."""
    world = make(KINDS, CANDIDATES, SEED)
    cases = []
    for name, settings in LOGGED.items():
        for policy in policies(settings):
            progress(f"{rounds} logs: {name}; {policy}")
            cases.append({"logged": name} | case(world, settings, policy, rounds, requests))
    return {"rounds": rounds, "requests": requests, "kinds": KINDS, "candidates": CANDIDATES, "cases": cases}


def case(world: World, settings: RerankSettings, policy: str, rounds: int, requests: int) -> dict[str, Any]:
    """One logging policy and one candidate policy, over many logs."""
    rng = np.random.default_rng(SEED)
    candidate = policies(settings)[policy]
    truth = value(world, candidate)
    comparisons = [compare(log(world, settings, requests, candidate, rng)) for _ in range(rounds)]
    return {
        "policy": policy,
        "truth": truth,
        "effective_p50": float(np.median([comparison.effective for comparison in comparisons])),
        "chances": float(np.mean([comparison.chances for comparison in comparisons])),
        "support": float(np.mean([comparison.support for comparison in comparisons])),
        "settings": settings.model_dump(),
        "ways": {way: _judged(way, truth, comparisons) for way in WAYS},
    }


def _judged(way: str, truth: float, comparisons: list[Comparison]) -> dict[str, float]:
    estimates = [getattr(comparison, way) for comparison in comparisons]
    values = np.array([estimate.value for estimate in estimates])
    return {
        "bias": float(values.mean() - truth),
        "bias_se": float(values.std(ddof=1) / np.sqrt(len(values))),
        "rmse": float(np.sqrt(np.mean((values - truth) ** 2))),
        "coverage": float(np.mean([estimate.low <= truth <= estimate.high for estimate in estimates])),
        "width": float(np.mean([estimate.high - estimate.low for estimate in estimates])),
    }
