"""Platt scaling: a straight line through the log-odds that makes scores the shares they claim to be.

After Platt, "Probabilistic outputs for support vector machines" (1999). Shape legend: N scored candidates.
"""

import dataclasses

import numpy as np

from components.train.calibration.logistic_regression import fit_logistic

PRIOR = 1.0
"""Precision of a normal prior around the identity: few observations move little, and none not at all."""
MIN_SLOPE = 0.1
"""A line as flat as this, or falling, means that the scores are uninformative: it is not used."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Platt:
    """calibrated log-odds = slope * log-odds + offset. The slope is positive, so no order changes."""

    slope: float = 1.0
    offset: float = 0.0

    def after(self, first: "Platt") -> "Platt":
        """The line that does what `first` and then this one do."""
        return Platt(slope=self.slope * first.slope, offset=self.slope * first.offset + self.offset)


def fit(logit_N: np.ndarray, bought_N: np.ndarray) -> Platt:
    """The line under which what was bought is most likely; the identity where that line would not rise.

    Args:
        logit_N: [N] float log-odds. bought_N: [N] bool or 0 and 1.
    """
    x_N2 = np.stack([logit_N, np.ones(len(logit_N))], axis=1)
    slope, offset = fit_logistic(x_N2, bought_N, np.array([1.0, 0.0]), PRIOR)
    return Platt(slope=float(slope), offset=float(offset)) if slope >= MIN_SLOPE else Platt()
