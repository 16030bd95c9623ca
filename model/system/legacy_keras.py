"""The one place TensorFlow is imported: TFRS runs on legacy Keras, which must be chosen before the import."""

import gc
import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

_collecting = gc.isenabled()
gc.disable()  # of the thousands of modules nothing is garbage; looking for it takes a seventh of the import
try:
    import tensorflow as tf
finally:
    if _collecting:
        gc.enable()

Tensor = tf.Tensor

__all__ = ["Tensor", "tf"]
