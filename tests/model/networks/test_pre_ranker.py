"""The pre-ranker against hand-computed values: what its network adds, which is nothing until it has learned."""

import numpy as np
import pytest

from model.candidates.line import BY_SOURCE, INPUTS, LINE
from model.networks.pre_ranker import PreRanker
from model.system.legacy_keras import tf

PLACE = INPUTS.index("place")


def test_before_it_has_learned_it_is_the_line_by_source_and_adds_nothing() -> None:
    preranker = PreRanker(2)
    assert preranker.line_F.numpy().tolist() == [np.float32(BY_SOURCE.get(name, 0.0)) for name in LINE]
    input_NJ = np.random.default_rng(3).normal(size=(5, len(INPUTS) + 2)).astype(np.float32)
    assert preranker(tf.constant(input_NJ)).numpy().tolist() == [0.0] * 5


def test_the_network_adds_to_the_line_what_its_layers_make_of_features_and_promotions() -> None:
    """One way through: the place less 0.5 and one more on promotion, by two, by three, less 4."""
    preranker = PreRanker(1)
    first, second, last = (np.zeros(kernel.shape) for kernel in preranker.kernels)
    first[PLACE, 7], first[-1, 7] = 2, 2
    second[7, 5], last[5, 0] = 3, 1
    for kernel, matrix in zip(preranker.kernels, (first, second, last), strict=True):
        kernel.assign(matrix)
    preranker.biases[0].assign(np.full(preranker.biases[0].shape, -0.5 * 2))
    preranker.biases[-1].assign([-4.0])
    rows = np.zeros((3, len(INPUTS) + 1), np.float32)
    rows[:, PLACE], rows[:, -1] = [1.5, 1.5, 0.25], [0, 1, 0]
    assert preranker(tf.constant(rows)).numpy() == pytest.approx([(1.5 - 0.5) * 6 - 4, (2.5 - 0.5) * 6 - 4, -4])


def test_no_entries_have_no_scores() -> None:
    assert PreRanker(1)(tf.zeros([0, len(INPUTS) + 1])).shape == (0,)
