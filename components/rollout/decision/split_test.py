"""Whether the split that was observed is the one that was declared.

The units must be independent. Under a sticky split those are the shoppers: each is assigned once, by a hash, so a
shopper's many requests are one draw.
"""

import math

import numpy as np
from scipy.special import betaln, xlog1py, xlogy


def split_p_value(canary: int, total: int, declared_percent: float) -> float:
    """Two-sided exact binomial p-value that `canary` of `total` units come from a `declared_percent` split.

    The p-value sums the outcomes no likelier than the observed one; without any units it is 1.0. For one evaluation;
    `split_always_valid_p` is for many.
    """
    if total == 0:
        return 1.0
    probability = probabilities(total, declared_percent / 100)
    no_likelier = probability <= probability[canary] * (1 + 1e-9)  # ties must not fall to rounding
    return min(1.0, float(probability[no_likelier].sum()))


def split_always_valid_p(canary: int, total: int, declared_percent: float) -> float:
    """The same for a split that is evaluated again and again: ever below alpha with probability at most alpha.

    One over the likelihood of the counts under a share drawn from [0, 1], to that under the declared share p
    (Robbins 1970; Lindon and Malek, "Anytime-Valid Inference for Multinomial Count Data", NeurIPS 2022):

        p^c (1 - p)^(n - c) / B(c + 1, n - c + 1),    B(a, b) = gamma(a) gamma(b) / gamma(a + b)
    """
    share, others = declared_percent / 100, total - canary
    declared = float(xlogy(canary, share) + xlog1py(others, -share))
    return math.exp(min(0.0, declared - float(betaln(canary + 1, others + 1))))


def probabilities(draws: int, share: float) -> np.ndarray:
    """[draws + 1] float64: probability of k successes, k = 0..draws, each with probability `share` (0 to 1).

    Exact; scipy.stats would add seconds of import to a command that needs two sums.
    """
    k = np.arange(draws + 1)
    log_ways = -np.log(draws + 1) - betaln(k + 1, draws - k + 1)
    probability: np.ndarray = np.exp(log_ways + xlogy(k, share) + xlog1py(draws - k, -share))
    return probability
