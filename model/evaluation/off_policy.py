"""What another policy would have earned, from the log of one that left something to chance.

The estimand is the expected hits of a list: V(t) = E over requests x of sum over items i of t_i(x) * r(x, i), where
t_i(x) is the probability that the candidate policy shows item i, and r(x, i) that the item is bought when it is shown.
A sum over items needs nothing but the marginal propensity p_i(x) of each shown item, as model/rerank/reranker.py logs
them. It assumes that what a place earns depends neither on its rank nor on what is beside it.

With y = 1 for a shown item that was bought and the weight w = t / p:

    IPS    mean over requests of  sum over shown items of w y
    SNIPS  places with p = 1 as in IPS; the others' sum of w y over their sum of w, times the mean number of places that
           the candidate policy fills beyond the certain ones. A little biased, of less variance, never beyond reach
    DR     mean over requests of  sum over all candidates of t q + sum over shown items of w (y - q), with q a model's
           guess of r. Right when p or q is right (Dudik et al., "Doubly robust policy evaluation and learning", ICML
           2011)

Intervals are 95 %, by linearization, with all requests of one shopper taken together
(model/evaluation/clustered_errors.py). What the logging policy never shows cannot be judged: `support` is the share of
the candidate policy's places that it can show.

Shape legend: N requests, M shown items of all requests one after the other, C candidates of one request.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np

from model.evaluation.clustered_errors import Estimate, sum_se

MIN_EFFECTIVE = 50
"""Of the effective sample size: with less, nothing is concluded."""
CERTAIN = 1 - 1e-12
"""A propensity from here on left nothing to chance."""

Policy = Callable[[Sequence[str], np.ndarray, int], np.ndarray]
"""(candidate ids [C], their scores [C], k) -> [C] probability that the policy shows each among its k."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What was logged, and what the candidate policy would have done there.

    Example:
        Ann saw tea, which was drawn with probability 1/4 and which the candidate policy always shows, and bought it.

        >>> always = lambda ids, scores, k: np.ones(len(ids))
        >>> shown = collect([(["tea"], [0.25])], [(["tea"], np.array([0.5]))], [{"tea"}], ["ann"], always)
        >>> compare(shown).ips.value, compare(shown).dr.value  # 1 / 0.25, and 0.5 + (1 - 0.5) / 0.25
        (4.0, 2.5)
    """

    request_M: np.ndarray
    """[M] int row of the request that each shown item belongs to."""
    propensity_M: np.ndarray
    """[M] probability with which it was to be shown, above 0."""
    target_M: np.ndarray
    """[M] probability with which the candidate policy shows it."""
    bought_M: np.ndarray
    """[M] 1.0 when it was bought, else 0.0."""
    guess_M: np.ndarray
    """[M] a model's probability that it is bought."""
    shopper_N: np.ndarray
    """[N] who asked: requests of one shopper are not independent."""
    places_N: np.ndarray
    """[N] expected number of items that the candidate policy shows: the sum of its probabilities over all items."""
    direct_N: np.ndarray
    """[N] sum over all candidates of the candidate policy's probability times the model's."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Expected hits of one answer, by the policy that was logged and by the candidate policy, estimated three ways.

    Example:
        >>> lists = [(["tea"], [0.5]), (["tea"], [0.5])]
        >>> candidates = [(["tea"], np.array([0.25]))] * 2
        >>> always = lambda ids, scores, k: np.ones(len(ids))
        >>> comparison = compare(collect(lists, candidates, [{"tea"}, set()], ["ann", "bob"], always))
        >>> comparison.logged.value, comparison.ips.value, comparison.chances, comparison.effective
        (0.5, 1.0, 2, 2.0)
    """

    logged: Estimate
    ips: Estimate
    snips: Estimate
    dr: Estimate
    gain: Estimate
    """DR less what was logged, request by request: what both policies do alike cancels out."""
    effective: float
    """Effective sample size of the shown items that were left to chance, (sum w)^2 / sum w^2. Below MIN_EFFECTIVE a few
    large weights decide, and intervals of IPS and SNIPS are too narrow (docs/off-policy.md)."""
    chances: int
    """Shown items that were left to chance."""
    support: float
    """Share of the candidate policy's places that the logging policy can fill, estimated, [0, 1]."""


def compare(shown: Shown) -> Comparison:
    """The candidate policy against the one that was logged. Raises ValueError on a propensity that is not above 0."""
    if len(shown.propensity_M) and shown.propensity_M.min() <= 0:
        raise ValueError(f"propensities: expected above 0, got {shown.propensity_M.min():g}")
    weight_M = shown.target_M / shown.propensity_M
    chance_M = shown.propensity_M < CERTAIN
    earned_M = weight_M * shown.bought_M
    certain_N, chance_N = (_by_request(shown, earned_M * which_M) for which_M in (~chance_M, chance_M))
    filled_N, taken_N = (_by_request(shown, weight_M * which_M) for which_M in (~chance_M, chance_M))
    weights = weight_M[chance_M]
    squares = float(weights @ weights)
    places = float(shown.places_N.sum())
    bought_N = _by_request(shown, shown.bought_M)
    robust_N = shown.direct_N + _by_request(shown, weight_M * (shown.bought_M - shown.guess_M))
    return Comparison(
        logged=_mean(shown, bought_N),
        ips=_mean(shown, certain_N + chance_N),
        snips=_normalised(shown, certain_N, chance_N, taken_N, shown.places_N - filled_N),
        dr=_mean(shown, robust_N),
        gain=_mean(shown, robust_N - bought_N),
        effective=float(weights.sum()) ** 2 / squares if squares else 0.0,
        chances=int(chance_M.sum()),
        support=min(1.0, float((filled_N + taken_N).sum()) / places) if places else 1.0,
    )


def collect(
    lists: Sequence[tuple[Sequence[str], Sequence[float]]],
    candidates: Sequence[tuple[Sequence[str], np.ndarray]],
    bought: Sequence[Collection[str]],
    shoppers: Sequence[str],
    policy: Policy,
) -> Shown:
    """Logged requests and their outcomes as `compare` wants them; the candidates' scores are the model's guess.

    Args:
        lists: N (item_ids, propensities) as logged; no propensities: all were certain.
        candidates: N (candidate_ids, candidate_scores) of the same requests, best first, scores probabilities.
        bought: N collections of what was bought in the requests' outcome windows.
    """
    columns: list[tuple[int, float, float, float, float]] = []
    places, direct = np.zeros(len(lists)), np.zeros(len(lists))
    for n, ((items, propensities), (ids, score_C)) in enumerate(zip(lists, candidates, strict=True)):
        target_C = policy(ids, score_C, len(items))
        places[n], direct[n] = target_C.sum(), target_C @ score_C
        place_of = {item: c for c, item in enumerate(ids)}
        for item, propensity in zip(items, propensities if len(propensities) else [1.0] * len(items), strict=True):
            c = place_of.get(item)
            target, guess = (0.0, 0.0) if c is None else (float(target_C[c]), float(score_C[c]))
            columns.append((n, propensity, target, float(item in bought[n]), guess))
    request, propensity_M, target_M, bought_M, guess_M = np.array(columns or np.zeros((0, 5))).T
    return Shown(
        request_M=request.astype(int),
        propensity_M=propensity_M,
        target_M=target_M,
        bought_M=bought_M,
        guess_M=guess_M,
        shopper_N=np.array(shoppers),
        places_N=places,
        direct_N=direct,
    )


def _by_request(shown: Shown, value_M: np.ndarray) -> np.ndarray:
    return np.bincount(shown.request_M, value_M, minlength=len(shown.shopper_N))


def _mean(shown: Shown, value_N: np.ndarray) -> Estimate:
    mean = float(value_N.mean())
    return Estimate(value=mean, se=sum_se(value_N - mean, shown.shopper_N) / len(value_N))


def _normalised(
    shown: Shown, certain_N: np.ndarray, chance_N: np.ndarray, taken_N: np.ndarray, open_N: np.ndarray
) -> Estimate:
    """certain + (sum of chance / sum of taken) * open, all means over requests; linearized in the four of them."""
    mean = float(taken_N.mean())
    rate = float(chance_N.mean()) / mean if mean else 0.0
    room = float(open_N.mean())
    value = float(certain_N.mean()) + rate * room
    moved_N = (chance_N - rate * taken_N) * room / mean if mean else np.zeros(len(chance_N))
    residual_N = certain_N - certain_N.mean() + moved_N + rate * (open_N - room)
    return Estimate(value=value, se=sum_se(residual_N, shown.shopper_N) / len(residual_N))
