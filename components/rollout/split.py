"""Is the split that was observed the one that was declared?"""

from scipy.stats import binomtest


def split_p_value(canary: int, total: int, declared_percent: float) -> float:
    """Two-sided exact binomial p-value that `canary` of `total` units come from a `declared_percent` split.

    The units must be independent. Under a sticky split those are the shoppers: each is assigned once, by a hash, so
    a shopper's many requests are one draw. 1.0 without any units: nothing seen contradicts nothing.
    """
    if total == 0:
        return 1.0
    return float(binomtest(canary, total, declared_percent / 100).pvalue)
