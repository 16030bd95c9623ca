"""The pre-ranker: which candidates are worth the ranker's time. A straight line for all of them, and for the best by
that line what a small network adds.

Shape legend: N entries of the pool, J inputs.
"""

from itertools import pairwise

from model.candidates.line import INPUTS, line_by_source
from model.system.legacy_keras import Tensor, tf

HIDDEN = (32, 16)


class PreRanker(tf.Module):
    """Log-odds of a purchase; training sets all variables (components/train/pre_ranker.py)."""

    def __init__(self, kinds: int) -> None:
        """kinds: of promotion."""
        super().__init__(name="preranker")
        self.kinds = kinds
        self.line_F = tf.Variable(line_by_source(), trainable=False, name="line")
        widths = (len(INPUTS) + kinds, *HIDDEN, 1)
        self.kernels = [_zeros(n, m, name=f"kernel_{i}") for i, (n, m) in enumerate(pairwise(widths))]
        self.biases = [_zeros(m, name=f"bias_{i}") for i, m in enumerate(widths[1:])]

    def __call__(self, input_NJ: Tensor) -> Tensor:
        """[N] float32: what is added to the line. `input_NJ`: see model.candidates.pool.Listed."""
        hidden = input_NJ
        for kernel, bias in zip(self.kernels[:-1], self.biases[:-1], strict=True):
            hidden = tf.nn.relu(hidden @ kernel + bias)
        return tf.squeeze(hidden @ self.kernels[-1] + self.biases[-1], axis=1)


def _zeros(*shape: int, name: str) -> Tensor:
    return tf.Variable(tf.zeros(shape), trainable=False, name=name)
