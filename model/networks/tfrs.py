"""TensorFlow Recommenders, imported after legacy Keras was chosen. Apart from TensorFlow: serving needs no TFRS."""

import model.system.legacy_keras  # noqa: F401  (first: it chooses legacy Keras)

# isort: split
import tensorflow_recommenders as tfrs

__all__ = ["tfrs"]
