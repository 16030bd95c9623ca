"""Bounds of a share of independent draws, exact for any sample (Clopper and Pearson, Biometrika 1934)."""

from scipy.special import betaincinv


def share_bounds(count: int, total: int, alpha: float) -> tuple[float, float]:
    """(lower, upper) bounds of the share, each missed with probability `alpha` at most; (0, 1) without draws.

    The lower bound is the share p under which `count` or more of `total` come with probability alpha:
    I_p(count, total - count + 1) = alpha, with I the regularized incomplete beta function; the upper one likewise.
    """
    low = float(betaincinv(count, total - count + 1, alpha)) if count else 0.0
    high = float(betaincinv(count + 1, total - count, 1 - alpha)) if count < total else 1.0
    return low, high
