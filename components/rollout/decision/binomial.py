"""The binomial distribution, exact; scipy.stats would add seconds of import to a command that needs two sums."""

import numpy as np


def probabilities(draws: int, share: float) -> np.ndarray:
    """[draws + 1] float64: probability of k successes, k = 0..draws, each with probability `share` (0 to 1)."""
    k = np.arange(draws + 1)
    found: np.ndarray
    if share in (0.0, 1.0):
        found = (k == draws * share).astype(np.float64)
        return found
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, draws + 1)))])
    log_ways = log_factorial[draws] - log_factorial - log_factorial[::-1]
    found = np.exp(log_ways + k * np.log(share) + (draws - k) * np.log1p(-share))
    return found
