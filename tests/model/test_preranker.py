"""The pre-ranker by pencil: a line, and a network that adds nothing until it has learned."""

import numpy as np
import pytest

from model.backend import tf
from model.preranker import BY_SOURCE, PreRanker, inputs, names


def test_before_it_has_learned_it_is_the_line_by_source() -> None:
    preranker = PreRanker(["mailer"])
    feature_PF = np.random.default_rng(3).normal(size=(5, len(preranker.names))).astype(np.float32)
    line = feature_PF @ np.array([BY_SOURCE.get(name, 0.0) for name in preranker.names])
    np.testing.assert_allclose(preranker(tf.constant(feature_PF)).numpy(), line, rtol=1e-5)


def test_the_network_adds_to_the_line_what_its_two_layers_make_of_the_features() -> None:
    """One way through: the place, 1.5, less 0.5, by two, by three, less 4; and a line of half the place."""
    preranker = PreRanker(())
    place = preranker.names.index("place")
    preranker.line_F.assign([0.5 if name == "place" else 0.0 for name in preranker.names])
    for kernel, (row, column), weight in zip(preranker.kernels, ((place, 7), (7, 5), (5, 0)), (2, 3, 1), strict=True):
        matrix = np.zeros(kernel.shape)
        matrix[row, column] = weight
        kernel.assign(matrix)
    preranker.biases[0].assign(np.full(preranker.biases[0].shape, -0.5 * 2))
    preranker.biases[-1].assign([-4.0])
    rows = np.zeros((2, len(preranker.names)), np.float32)
    rows[:, place] = [1.5, 0.25]
    assert preranker(tf.constant(rows)).numpy() == pytest.approx([0.75 + (1.5 - 0.5) * 2 * 3 - 4, 0.125 - 4])


def test_every_input_has_a_name_and_a_twin_for_what_was_bought() -> None:
    own, every = (
        np.array([[1.0, 2, 3, 4], [0, 0, 0, 0]]),
        np.array([[5.0, 6, 7, 8, 9, 10, 11], [5, 6, 7, 8, 9, 10, 11]]),
    )
    found = inputs(tf.constant(own), tf.constant(every)).numpy()
    assert found.shape == (2, len(names(["mailer"])))
    assert found[0].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 5, 6, 7, 8, 9, 10, 11, 1]
    assert found[1].tolist() == [0, 0, 0, 0, 5, 6, 7, 8, 9, 10, 11, 0, 0, 0, 0, 0, 0, 0, 1]
