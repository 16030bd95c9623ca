"""Platt scaling: a straight line through the log-odds that makes scores the shares they claim to be.

After Platt, "Probabilistic outputs for support vector machines" (1999). Shape legend: N scored candidates.
"""

import dataclasses

import numpy as np

PRIOR = 1.0
"""Precision of a normal prior around the identity: few observations move little, and none not at all."""
MIN_SLOPE = 0.1
"""A line as flat as this, or falling, says that the scores know nothing: it is not used."""
STEPS = 50


@dataclasses.dataclass(frozen=True, kw_only=True)
class Platt:
    """calibrated log-odds = slope * log-odds + offset. The slope is positive, so no order changes."""

    slope: float = 1.0
    offset: float = 0.0

    def after(self, shift: float) -> "Platt":
        """The same line for log-odds that still lack `shift`."""
        return Platt(slope=self.slope, offset=self.slope * shift + self.offset)


def fit(logit_N: np.ndarray, bought_N: np.ndarray) -> Platt:
    """The line under which what was bought is most likely; the identity where that line would not rise.

    Newton's method on the log-loss plus the prior, a strictly convex function of two parameters; a step that would not
    descend is halved.

    Args:
        logit_N: [N] float log-odds. bought_N: [N] bool or 0 and 1.
    """
    x_N2 = np.stack([logit_N.astype(np.float64), np.ones(len(logit_N))], axis=1)
    y_N, identity = bought_N.astype(np.float64), np.array([1.0, 0.0])

    def loss(line: np.ndarray) -> float:
        z_N = x_N2 @ line
        return float((np.logaddexp(0.0, z_N) - y_N * z_N).sum() + PRIOR / 2 * ((line - identity) ** 2).sum())

    line = identity
    for _ in range(STEPS):
        p_N = np.exp(-np.logaddexp(0.0, -(x_N2 @ line)))
        gradient = x_N2.T @ (p_N - y_N) + PRIOR * (line - identity)
        curvature = x_N2.T @ (x_N2 * (p_N * (1 - p_N))[:, None]) + PRIOR * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        while loss(line - step) > loss(line) and np.abs(step).max() > 1e-12:
            step = step / 2
        line = line - step
        if np.abs(step).max() < 1e-9:
            break
    return Platt(slope=float(line[0]), offset=float(line[1])) if line[0] >= MIN_SLOPE else Platt()
