"""TensorFlow Recommenders, imported after legacy Keras was chosen. Apart from TensorFlow: serving needs no TFRS."""

import model.backend  # noqa: F401  (first: it chooses legacy Keras)

# isort: split
import tensorflow_recommenders as tfrs

__all__ = ["tfrs"]
