"""Attention of a candidate over the shopper's recent purchases, beside the ranker's own features.

After Zhou et al., "Deep Interest Network for Click-Through Rate Prediction" (KDD 2018): a small network takes the
candidate, the purchase and their product and gives the purchase a weight; the weighted purchases are summed, without a
softmax. Here it sees the purchase's age as well.

Shape legend: B trips, C candidates of all of them together, L recent purchases, d width of an item's embedding,
u units.
"""

from typing import Any

from model.data.catalog import Catalog
from model.networks.ranker import AttributeEmbedding
from model.system.legacy_keras import tf

IDENTITY, ATTRIBUTE = 8, 4
UNITS = 16


class Attention(tf.Module):
    """Sums the recent purchases, weighted for each candidate."""

    def __init__(self, catalog: Catalog) -> None:
        super().__init__(name="attention")
        self._vocabulary_I = tf.Variable(catalog.vocabulary_I, trainable=False, name="vocabulary")
        self._attribute_IA = tf.Variable(catalog.attribute_IA, trainable=False, name="attributes")
        self._item = tf.keras.layers.Embedding(catalog.vocabulary_size, IDENTITY)
        self._attributes = AttributeEmbedding(catalog.attribute_sizes, ATTRIBUTE)
        self.width = IDENTITY + ATTRIBUTE * len(catalog.attribute_sizes)
        dense = tf.keras.layers.Dense
        self._candidate, self._purchase, self._product = dense(UNITS), dense(UNITS, use_bias=False), dense(UNITS)
        self._weight = dense(1)

    def __call__(self, item_C: Any, row_C: Any, recent_BL: Any, age_BL: Any) -> Any:
        """[C, d]. Recent items of -1 count nothing."""
        query_Cd = self.embed(item_C)
        purchase_BLd = self._embed_all(recent_BL)
        aged_BLd = tf.concat([purchase_BLd, tf.math.log1p(age_BL)[:, :, None]], axis=2)
        purchase_CLd = tf.gather(purchase_BLd, row_C)
        unit_CLu = (
            self._candidate(query_Cd)[:, None, :]
            + tf.gather(self._purchase(aged_BLd), row_C)
            + self._product(query_Cd[:, None, :] * purchase_CLd)
        )
        weight_CL = self._weight(tf.nn.relu(unit_CLu))[:, :, 0] * tf.gather(tf.cast(recent_BL >= 0, tf.float32), row_C)
        return tf.einsum("cl,cld->cd", weight_CL, purchase_CLd)

    def embed(self, item_X: Any) -> Any:
        """[X, d]."""
        parts = [self._item(tf.gather(self._vocabulary_I, item_X))]
        return tf.concat([*parts, self._attributes(tf.gather(self._attribute_IA, item_X))], axis=1)

    def _embed_all(self, recent_BL: Any) -> Any:
        flat = self.embed(tf.reshape(tf.maximum(recent_BL, 0), [-1]))
        return tf.reshape(flat, [tf.shape(recent_BL)[0], tf.shape(recent_BL)[1], self.width])
