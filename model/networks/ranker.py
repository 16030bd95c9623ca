"""The ranker: dense features and small embeddings through cross layers, one logit a candidate.

After Wang et al., "DCN V2" (WWW 2021): x_{l+1} = x_0 * (W x_l + b) + x_l, in parallel with a plain network.

Shape legend: C candidates of all requests together, F dense features, A item attributes, D shopper attributes.
"""

from collections.abc import Sequence

from model.networks.attribute_embedding import AttributeEmbedding
from model.networks.tfrs import tfrs
from model.system.legacy_keras import Tensor, tf

EMBEDDING = 8
CROSS_LAYERS = 2
CROSS_RANK = 64
HIDDEN = (128, 64)
CLIP = 5.0
"""Standard deviations at which a feature is cut off."""


class Ranker(tf.Module):
    """Scores candidates.

    `mean_F` and `scale_F` standardise the dense features; `slope` (positive) and `offset` turn training logits into
    log-odds of a purchase on this trip. Training sets all four.
    """

    def __init__(
        self, features: int, vocabulary: int, attribute_sizes: Sequence[int], user_attribute_sizes: Sequence[int]
    ) -> None:
        """features: dense ones. vocabulary: embedding rows of ids. The sizes: codes of each attribute."""
        super().__init__(name="ranker")
        layers = tf.keras.layers
        self.attributes, self.user_attributes = len(attribute_sizes), len(user_attribute_sizes)
        self._item = layers.Embedding(vocabulary, EMBEDDING)
        self._attributes = AttributeEmbedding(attribute_sizes, EMBEDDING)
        self._user = AttributeEmbedding(user_attribute_sizes, EMBEDDING // 2)
        self.mean_F = tf.Variable(tf.zeros(features), trainable=False, name="mean")
        self.scale_F = tf.Variable(tf.ones(features), trainable=False, name="scale")
        self._cross = [tfrs.layers.dcn.Cross(projection_dim=CROSS_RANK) for _ in range(CROSS_LAYERS)]
        self._deep = tf.keras.Sequential([layers.Dense(width, activation="relu") for width in HIDDEN])
        self._logit = layers.Dense(1)
        self.slope = tf.Variable(1.0, trainable=False, name="slope")
        self.offset = tf.Variable(0.0, trainable=False, name="offset")

    def __call__(self, dense_CF: Tensor, vocabulary_C: Tensor, attribute_CA: Tensor, user_CD: Tensor) -> Tensor:
        """[C] float32 log-odds.

        Args:
            dense_CF: logs taken. The others: int32 embedding row of the item's id, its and the shopper's codes.
        """
        standard_CF = tf.clip_by_value((dense_CF - self.mean_F) / self.scale_F, -CLIP, CLIP)
        attributes, user = self._attributes.side_by_side(attribute_CA), self._user.side_by_side(user_CD)
        parts = [standard_CF, self._item(vocabulary_C), attributes, user]
        start = crossed = tf.concat(parts, axis=1)
        for layer in self._cross:
            crossed = layer(start, crossed)
        logit_C = tf.squeeze(self._logit(tf.concat([crossed, self._deep(start)], axis=1)), axis=1)
        return self.slope * logit_C + self.offset
