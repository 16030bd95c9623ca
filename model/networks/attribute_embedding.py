"""Embeddings of several attributes in one table: one lookup for all of them.

Shape legend: A attributes, C candidates, w width of an embedding.
"""

from collections.abc import Sequence

import numpy as np

from model.system.legacy_keras import Tensor, tf


class AttributeEmbedding(tf.Module):
    """An embedding for each code of each attribute."""

    def __init__(self, sizes: Sequence[int], width: int) -> None:
        """sizes: codes of each attribute."""
        super().__init__(name="attribute_embedding")
        self._first_A, self._width = np.cumsum([0, *sizes])[:-1].astype(np.int32), width
        self._table = tf.keras.layers.Embedding(max(sum(sizes), 1), width)

    def side_by_side(self, code_CA: Tensor) -> Tensor:
        """[C, A * w], one attribute after the other."""
        row = len(self._first_A) * self._width
        return tf.reshape(self._each(code_CA), [-1 if row else tf.shape(code_CA)[0], row])

    def total(self, code: Tensor) -> Tensor:
        """[..., w], the sum over the attributes. `code`: [..., A] int32."""
        return tf.reduce_sum(self._each(code), axis=-2)

    def _each(self, code: Tensor) -> Tensor:
        """[..., A, w]"""
        return self._table(code + self._first_A)
