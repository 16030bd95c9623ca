"""Is the split that was observed the one that was declared?"""

from components.rollout.binomial import probabilities


def split_p_value(canary: int, total: int, declared_percent: float) -> float:
    """Two-sided exact binomial p-value that `canary` of `total` units come from a `declared_percent` split.

    The units must be independent. Under a sticky split those are the shoppers: each is assigned once, by a hash, so
    a shopper's many requests are one draw. The p-value sums the outcomes no likelier than the one seen; without any
    units it is 1.0: nothing seen contradicts nothing.
    """
    if total == 0:
        return 1.0
    probability = probabilities(total, declared_percent / 100)
    no_likelier = probability <= probability[canary] * (1 + 1e-9)  # ties must not fall to rounding
    return min(1.0, float(probability[no_likelier].sum()))
