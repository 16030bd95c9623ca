"""The one place TensorFlow is imported: TFRS runs on legacy Keras, which must be chosen before the import."""

import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf

__all__ = ["tf"]
