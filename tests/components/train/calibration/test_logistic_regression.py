import numpy as np
import pytest

from components.train.calibration.logistic_regression import fit_logistic


def test_of_one_input_that_is_always_one_the_weight_is_the_log_odds() -> None:
    """3 of 4, with a prior too weak to count: log 3."""
    weight = fit_logistic(np.ones((4, 1)), np.array([1, 1, 1, 0]), np.zeros(1), precision=1e-9)
    assert weight == pytest.approx([np.log(3)])


def test_without_observations_the_prior_is_the_answer() -> None:
    assert fit_logistic(np.zeros((0, 2)), np.zeros(0), np.array([1.0, -2.0])).tolist() == [1.0, -2.0]


def test_weights_that_made_the_data_are_found_again() -> None:
    rng = np.random.default_rng(3)
    truth = np.array([1.5, -2.0, 0.5])
    x = np.c_[rng.normal(size=(40_000, 2)), np.ones(40_000)]
    y = rng.random(40_000) < 1 / (1 + np.exp(-x @ truth))
    assert fit_logistic(x, y, np.zeros(3)) == pytest.approx(truth, abs=0.06)


def test_perfectly_predictive_inputs_do_not_break_it() -> None:
    """Separable: without a prior the weights would be infinite."""
    weight = fit_logistic(np.array([[-1.0], [1.0]]), np.array([0, 1]), np.zeros(1))
    assert 0 < weight[0] < 2
