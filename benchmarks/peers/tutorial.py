"""The two-tower model of the TFRS tutorial as published: ids in, one embedding each, in-batch softmax.

https://www.tensorflow.org/recommenders/examples/basic_retrieval: 32 dimensions, Adagrad at 0.1, three epochs. Here with
batches of 4,096 purchases for its 8,192 ratings. It knows the shopper by id alone, not the request's history.
"""

import numpy as np

from benchmarks.peers.base import Histories, Peer
from model.networks.tfrs import tfrs
from model.system.legacy_keras import tf

DIMENSION, LEARNING_RATE, SIZE = 32, 0.1, 4096


class _Towers(tfrs.Model):
    def __init__(self, shoppers: int, items: int) -> None:
        super().__init__()
        self.shoppers = tf.keras.layers.Embedding(shoppers, DIMENSION)
        self.items = tf.keras.layers.Embedding(items, DIMENSION)
        self._task = tfrs.tasks.Retrieval()

    def compute_loss(self, inputs: tuple, training: bool = False) -> object:
        shopper, item = inputs
        return self._task(self.shoppers(shopper), self.items(item), compute_metrics=False)


class Tutorial(Peer):
    """Ranks by the inner product of the two embeddings; a shopper not learned from gets popular items."""

    def __init__(self, seed: int = 7, epochs: int = 3) -> None:
        super().__init__()
        self._seed, self._epochs = seed, epochs

    def learn(self, past: Histories) -> None:
        tf.keras.utils.set_random_seed(self._seed)
        towers = _Towers(len(past), self.items)
        towers.compile(optimizer=tf.keras.optimizers.legacy.Adagrad(LEARNING_RATE))
        purchases = tf.data.Dataset.from_tensor_slices((past.row_H.astype(np.int32), past.item_H.astype(np.int32)))
        towers.fit(purchases.shuffle(100_000, seed=self._seed).batch(SIZE), epochs=self._epochs, verbose=0)
        self._shopper_Ud = towers.shoppers(tf.range(len(past))).numpy()
        self._item_dI = towers.items(tf.range(self.items)).numpy().T

    def score(self, asked: Histories) -> np.ndarray:
        score_BI = self._shopper_Ud[asked.learned_B] @ self._item_dI
        positive_BI = np.exp(score_BI - score_BI.max(axis=1, keepdims=True))
        return np.where(asked.learned_B[:, None] >= 0, positive_BI, 0.0)
