"""Two towers: a shopper at a moment and a product as vectors whose inner product measures how well they fit. The other
way to read a shopper is in model/networks/sequence_tower.py.

After Yi et al., "Sampling-bias-corrected neural modeling for large corpus item recommendations" (RecSys 2019).

Shape legend: B requests, R recent events, L half-lives, N items, A item attributes, D shopper attributes, d width of
the vectors.
"""

from collections.abc import Sequence

from model.features.recent import TASTE_DAYS, Recent
from model.networks.attribute_embedding import AttributeEmbedding
from model.system.legacy_keras import Tensor, tf

USER_WIDTH = 8


class ItemTower(tf.Module):
    """Id, shared below the frequency floor, plus attributes: a new item is placed by its attributes."""

    def __init__(self, vocabulary: int, attribute_sizes: Sequence[int], dimension: int) -> None:
        """vocabulary: embedding rows of ids. attribute_sizes: codes of each attribute."""
        super().__init__(name="item_tower")
        self._identity = tf.keras.layers.Embedding(vocabulary, dimension)
        self._attributes = AttributeEmbedding(attribute_sizes, dimension)
        self._mix = tf.keras.Sequential(
            [tf.keras.layers.Dense(2 * dimension, activation="relu"), tf.keras.layers.Dense(dimension)]
        )

    def content(self, vocabulary: Tensor, attribute: Tensor) -> Tensor:
        """[..., d]: sum of the item's embeddings; also what a history is summed from.

        Args:
            vocabulary: [...] int32 embedding row of the id. attribute: [..., A] int32 codes.
        """
        return self._identity(vocabulary) + self._attributes.total(attribute)

    def __call__(self, vocabulary_N: Tensor, attribute_NA: Tensor) -> Tensor:
        """[N, d] unit vectors."""
        content = self.content(vocabulary_N, attribute_NA)
        return tf.math.l2_normalize(content + self._mix(content), axis=1)


class TasteTower(tf.Module):
    """Decayed history, shopper attributes and time of the week. No shopper id: a new shopper needs no training."""

    def __init__(self, items: ItemTower, user_attribute_sizes: Sequence[int], dimension: int) -> None:
        super().__init__(name="query_tower")
        self._items = items
        self._dimension = dimension
        self._attributes = AttributeEmbedding(user_attribute_sizes, USER_WIDTH)
        self._mix = tf.keras.Sequential(
            [tf.keras.layers.Dense(4 * dimension, activation="relu"), tf.keras.layers.Dense(dimension)]
        )

    @property
    def items(self) -> ItemTower:
        return self._items

    def learned(self, recent: Recent, training: bool) -> Tensor:
        """[B, d] what training compares with items: the same."""
        return self(recent)

    def __call__(self, recent: Recent) -> Tensor:
        """[B, d] unit vectors."""
        content_BRd = self._items.content(recent.vocabulary_BR, recent.attribute_BRA)
        total_BLd = tf.matmul(recent.weight_BRL, content_BRd, transpose_a=True)
        weight_BL1 = tf.reduce_sum(recent.weight_BRL, axis=1)[:, :, None]
        taste_BLd = tf.concat([total_BLd / (weight_BL1 + 1e-3), tf.math.log(1.0 + weight_BL1)], axis=2)
        parts = [recent.moment_BX, tf.reshape(taste_BLd, [-1, len(TASTE_DAYS) * (self._dimension + 1)])]
        parts.append(self._attributes.side_by_side(recent.user_BD))
        return tf.math.l2_normalize(self._mix(tf.concat(parts, axis=1)), axis=1)
