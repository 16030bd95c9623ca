"""Can the log of one policy estimate what another would have earned? Estimates against the exact value.

`python -m benchmarks offpolicy` writes build/bench/offpolicy.json. Thousands of logs are drawn from a simulated world,
shoppers with exact chances of buying each candidate, through the real re-ranker with draws on, and each is asked what
other policies would have earned: bias, how often the 95 % interval holds the truth, effective sample size.

Shape legend: T kinds of shoppers, C candidates, N requests.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from components.kfp_support.progress import progress
from model.api import Request
from model.evaluation.off_policy import Comparison, Policy, Shown, collect, compare
from model.rerank.item_attributes import ItemValues
from model.rerank.reranker import Reranker, explored
from tfx_configs.rerank import RerankSettings

SEED = 7
ROUNDS, REQUESTS = 400, 2000
KINDS, CANDIDATES = 200, 80
LOGGED = {
    "10 % of lists draw of 50": RerankSettings(explore_percent=10, explore_place=10, explore_pool=50),
    "30 % of lists draw of 10": RerankSettings(explore_percent=30, explore_place=10, explore_pool=10),
}
WAYS = ("ips", "snips", "dr")
K = 10


@dataclass(frozen=True, kw_only=True)
class World:
    """Kinds of shoppers, each as likely."""

    truth_TC: np.ndarray
    """Probability that a shown candidate is bought."""
    guess_TC: np.ndarray
    """The model's estimate of it, falling along the candidates: they are in the model's order."""

    @property
    def ids(self) -> list[str]:
        return [f"i{c:03d}" for c in range(self.truth_TC.shape[1])]


def main() -> dict[str, Any]:
    return measure(ROUNDS, REQUESTS)


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
        **{name: float(np.mean([getattr(each, name) for each in comparisons])) for name in ("chances", "support")},
        "settings": settings.model_dump(),
        "ways": {way: _judged(way, truth, comparisons) for way in WAYS},
    }


def _judged(way: str, truth: float, comparisons: list[Comparison]) -> dict[str, float]:
    estimates = [getattr(comparison, way) for comparison in comparisons]
    values, low, high = (np.array([getattr(each, name) for each in estimates]) for name in ("value", "low", "high"))
    return {
        "bias": float(values.mean() - truth),
        "bias_se": float(values.std(ddof=1) / np.sqrt(len(values))),
        "rmse": float(np.sqrt(np.mean((values - truth) ** 2))),
        "coverage": float(np.mean((low <= truth) & (truth <= high))),
        "width": float(np.mean(high - low)),
    }


def make(kinds: int, candidates: int, seed: int) -> World:
    """Chances fall from about 0.3; the model sees them with an error of half, and promises a fifth too much."""
    rng = np.random.default_rng(seed)
    truth = np.clip(0.3 * np.arange(1, candidates + 1) ** -0.7 * rng.lognormal(0.0, 0.6, (kinds, candidates)), 0, 0.9)
    guess = np.clip(1.2 * truth * rng.lognormal(0.0, 0.5, truth.shape), 1e-4, 0.95)
    order = np.argsort(-guess, axis=1, kind="stable")
    return World(truth_TC=np.take_along_axis(truth, order, 1), guess_TC=np.take_along_axis(guess, order, 1))


def value(world: World, policy: Policy) -> float:
    """Expected hits of one list, exactly."""
    ids = world.ids
    return float(
        np.mean([policy(ids, guess, K) @ truth for truth, guess in zip(world.truth_TC, world.guess_TC, strict=True)])
    )


def log(world: World, settings: RerankSettings, requests: int, policy: Policy, rng: np.random.Generator) -> Shown:
    """Requests of shoppers who ask about five times each, answered by the re-ranker; what they bought by the truth."""
    reranker = Reranker(settings, (), ItemValues(Path("no-items")))
    ids = world.ids
    item_C, reason_C = np.array([i.encode() for i in ids]), np.full(len(ids), b"similar_taste")
    kind_U = rng.integers(0, len(world.truth_TC), max(requests // 5, 2))
    shopper_N = rng.integers(0, len(kind_U), requests)
    moment_N = rng.integers(0, 2**31, requests)
    lists, bought = [], []
    for shopper, moment in zip(shopper_N, moment_N, strict=True):
        kind = kind_U[shopper]
        request = Request(
            user_id=f"u{shopper}", time_s=int(moment), history_item=(), history_time=np.zeros(0, np.int64), k=K
        )
        answer = reranker(request, item_C, world.guess_TC[kind], reason_C)
        lists.append((answer.item_ids, answer.propensities))
        drawn_C = rng.random(len(ids)) < world.truth_TC[kind]
        bought.append({ids[c] for c in np.flatnonzero(drawn_C)})
    candidates = [(ids, world.guess_TC[kind_U[shopper]]) for shopper in shopper_N]
    return collect(lists, candidates, bought, [f"u{shopper}" for shopper in shopper_N], policy)


def policies(settings: RerankSettings) -> dict[str, Policy]:
    """Policies within reach of the one that is logged, from near to far."""
    none, more = RerankSettings(), settings.replace(explore_percent=min(2 * settings.explore_percent, 50))

    def swapped(ids: Sequence[str], score_C: np.ndarray, k: int) -> np.ndarray:
        """The list with its last place given to the rank right below it."""
        shown_C = explored(len(score_C), k, none)
        shown_C[k - 1], shown_C[k] = 0.0, 1.0
        return shown_C

    return {
        "no draws": lambda ids, score_C, k: explored(len(score_C), k, none),
        "twice the draws": lambda ids, score_C, k: explored(len(score_C), k, more),
        "another item in the last place": swapped,
    }
