"""Logistic regression by Newton's method, for a handful of inputs.

Shape legend: N observations, F inputs.
"""

import numpy as np

STEPS = 50


def fit_logistic(
    x_NF: np.ndarray, y_N: np.ndarray, prior_F: np.ndarray, precision: float | np.ndarray = 1.0
) -> np.ndarray:
    """[F] float64 weights: the log-loss plus a normal prior around `prior_F`, a strictly convex sum, at its minimum.

    A step that would not descend is halved. Without observations the prior is the answer.

    Args:
        y_N: bool, or 0 and 1.
        precision: of the prior, the same for all weights or [F].
    """
    x_NF, y_N = x_NF.astype(np.float64), y_N.astype(np.float64)

    def loss(weight_F: np.ndarray) -> float:
        z_N = x_NF @ weight_F
        return float((np.logaddexp(0.0, z_N) - y_N * z_N).sum() + (precision / 2 * (weight_F - prior_F) ** 2).sum())

    weight_F = np.asarray(prior_F, np.float64)
    for _ in range(STEPS):
        p_N = np.exp(-np.logaddexp(0.0, -(x_NF @ weight_F)))
        gradient_F = x_NF.T @ (p_N - y_N) + precision * (weight_F - prior_F)
        curvature = x_NF.T @ (x_NF * (p_N * (1 - p_N))[:, None]) + precision * np.eye(len(weight_F))
        step_F = np.linalg.solve(curvature, gradient_F)
        while loss(weight_F - step_F) > loss(weight_F) and np.abs(step_F).max() > 1e-12:
            step_F = step_F / 2
        weight_F = weight_F - step_F
        if np.abs(step_F).max() < 1e-9:
            break
    return weight_F
