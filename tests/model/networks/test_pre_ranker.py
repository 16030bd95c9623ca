"""The pre-ranker against hand-computed values: a line, and a network that adds nothing until it has learned."""

import numpy as np
import pytest

from model.networks.pre_ranker import BY_SOURCE, NAMES, PreRanker, inputs
from model.system.legacy_keras import tf

PLACE = NAMES.index("place")


def test_before_it_has_learned_it_is_the_line_by_source() -> None:
    feature_PF = np.random.default_rng(3).normal(size=(5, len(NAMES))).astype(np.float32)
    line = feature_PF @ np.array([BY_SOURCE.get(name, 0.0) for name in NAMES])
    np.testing.assert_allclose(PreRanker(2)(tf.constant(feature_PF), tf.ones([5, 2])).numpy(), line, rtol=1e-5)


def test_the_network_adds_to_the_line_what_its_layers_make_of_features_and_promotions() -> None:
    """One way through: the place less 0.5 and one more on promotion, by two, by three, less 4; a line of half the
    place."""
    preranker = PreRanker(1)
    preranker.line_F.assign([0.5 if name == "place" else 0.0 for name in NAMES])
    first, second, last = (np.zeros(kernel.shape) for kernel in preranker.kernels)
    first[PLACE, 7], first[-1, 7] = 2, 2
    second[7, 5], last[5, 0] = 3, 1
    for kernel, matrix in zip(preranker.kernels, (first, second, last), strict=True):
        kernel.assign(matrix)
    preranker.biases[0].assign(np.full(preranker.biases[0].shape, -0.5 * 2))
    preranker.biases[-1].assign([-4.0])
    rows = np.zeros((3, len(NAMES)), np.float32)
    rows[:, PLACE] = [1.5, 1.5, 0.25]
    scores = preranker(tf.constant(rows), tf.constant([[0.0], [1.0], [0.0]])).numpy()
    assert scores == pytest.approx([0.75 + (1.5 - 0.5) * 6 - 4, 0.75 + (2.5 - 0.5) * 6 - 4, 0.125 - 4])


def test_every_input_has_a_name_and_a_twin_for_what_was_bought() -> None:
    own, every = np.array([[1.0, 2, 3, 4], [0, 0, 0, 0]]), np.array([[5.0, 6, 7, 8, 9, 10], [5, 6, 7, 8, 9, 10]])
    rows = inputs(tf.constant(own), tf.constant(every)).numpy()
    assert rows.shape == (2, len(NAMES))
    assert rows[0].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 5, 6, 7, 8, 9, 10, 1]
    assert rows[1].tolist() == [0, 0, 0, 0, 5, 6, 7, 8, 9, 10, 0, 0, 0, 0, 0, 0, 1]
