"""Towers, pre-ranker and ranker as Keras runs them, and as a SavedModel holds them: one function a network.

Shape legend: B requests, R recent events, A and D attributes of items and shoppers, N entries, J inputs, C candidates,
F features.
"""

from pathlib import Path

import numpy as np

from model.candidates.line import INPUTS
from model.features.recent import TASTE_DAYS, Recent
from model.networks.pre_ranker import PreRanker
from model.networks.query_towers import QueryTower
from model.networks.ranker import Ranker
from model.networks.weights import weights
from model.ranking.networks import NamedInputs
from model.system.legacy_keras import Tensor, tf


class TrainedNetworks(tf.Module):
    """Implements model.ranking.networks.Networks with Keras; what it is given may still be learning."""

    def __init__(self, query_tower: QueryTower, preranker: PreRanker, ranker: Ranker) -> None:
        """Layers get their variables here, where they were not called yet."""
        super().__init__(name="networks")
        # The first attribute: a SavedModel stores a variable under the first of the shortest paths that lead to it.
        self.weights: dict[str, tf.Variable] = {}
        self.query_tower, self.preranker, self.ranker = query_tower, preranker, ranker
        self._make_variables()
        self.functions = self._functions()
        self.weights.update(weights(query_tower, ranker, preranker))

    @property
    def line(self) -> np.ndarray:
        """As Networks.line."""
        return self.preranker.line_F.numpy()

    def query(self, recent: Recent) -> np.ndarray:
        """As Networks.query."""
        return self.functions["query"](*map(tf.convert_to_tensor, recent)).numpy()

    def prerank(self, input_NJ: np.ndarray) -> np.ndarray:
        """As Networks.prerank."""
        return self.functions["prerank"](tf.convert_to_tensor(input_NJ)).numpy()

    def rank(
        self, dense_CF: np.ndarray, vocabulary_C: np.ndarray, attribute_CA: np.ndarray, user_CD: np.ndarray
    ) -> np.ndarray:
        """As Networks.rank."""
        inputs = (dense_CF, vocabulary_C, attribute_CA, user_CD)
        return self.functions["rank"](*map(tf.convert_to_tensor, inputs)).numpy()

    def _make_variables(self) -> None:
        """Calls each network once: layers make theirs at the first call."""
        item, user = (
            tf.zeros([1, self.ranker.attributes], tf.int32),
            tf.zeros([1, self.ranker.user_attributes], tf.int32),
        )
        row, recent = tf.zeros([1], tf.int32), tf.zeros([1, 1, len(TASTE_DAYS)])
        self.query_tower(Recent(row[:, None], item[:, None], recent, tf.zeros([1, 4]), user))
        self.query_tower.items(row, item)
        self.ranker(tf.zeros([1, self.ranker.mean_F.shape[0]]), row, item, user)

    def _functions(self) -> dict[str, tf.types.experimental.GenericFunction]:
        """{network: tf.function of the inputs that ONNX Runtime and TF Serving know by the same names}"""
        attributes, user_attributes = self.ranker.attributes, self.ranker.user_attributes
        attribute = tf.TensorSpec([None, attributes], tf.int32, "attribute")
        user = tf.TensorSpec([None, user_attributes], tf.int32, "user")
        vocabulary = tf.TensorSpec([None], tf.int32, "vocabulary")
        inputs = tf.TensorSpec([None, len(INPUTS) + self.preranker.kinds], tf.float32, "input")
        dense = tf.TensorSpec([None, self.ranker.mean_F.shape[0]], tf.float32, "dense")
        recent = (
            tf.TensorSpec([None, None], tf.int32, "vocabulary"),
            tf.TensorSpec([None, None, attributes], tf.int32, "attribute"),
            tf.TensorSpec([None, None, len(TASTE_DAYS)], tf.float32, "weight"),
            tf.TensorSpec([None, 4], tf.float32, "moment"),
            user,
        )

        @tf.function(autograph=False, input_signature=recent)
        def query(vocabulary: Tensor, attribute: Tensor, weight: Tensor, moment: Tensor, user: Tensor) -> Tensor:
            return self.query_tower(Recent(vocabulary, attribute, weight, moment, user))

        @tf.function(autograph=False, input_signature=[inputs])
        def prerank(input: Tensor) -> Tensor:
            return self.preranker(input)

        @tf.function(autograph=False, input_signature=[dense, vocabulary, attribute, user])
        def rank(dense: Tensor, vocabulary: Tensor, attribute: Tensor, user: Tensor) -> Tensor:
            return tf.math.sigmoid(self.ranker(dense, vocabulary, attribute, user))

        functions = {"query": query, "prerank": prerank, "rank": rank}
        for function in functions.values():
            function.get_concrete_function()
        return functions

    def save(self, directory: Path) -> None:
        """Writes the SavedModel, with one signature a network."""
        tf.saved_model.save(
            self, str(directory), signatures={n: f.get_concrete_function() for n, f in self.functions.items()}
        )


class SavedNetworks(NamedInputs):
    """Implements model.ranking.networks.Networks with a SavedModel: the master that ONNX is compared with."""

    def __init__(self, directory: Path) -> None:
        self._saved = tf.saved_model.load(str(directory))
        self.line = self._saved.preranker.line_F.numpy()

    def _run(self, name: str, inputs: dict[str, np.ndarray]) -> np.ndarray:
        outputs = self._saved.signatures[name](**{i: tf.convert_to_tensor(value) for i, value in inputs.items()})
        return next(iter(outputs.values())).numpy()
