"""TensorFlow Recommenders, imported after legacy Keras was chosen; apart from TensorFlow, since serving needs no TFRS."""

import model.backend  # noqa: F401  (first: it chooses legacy Keras)
import tensorflow_recommenders as tfrs

__all__ = ["tfrs"]
