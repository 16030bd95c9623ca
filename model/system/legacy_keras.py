"""The one place TensorFlow is imported: TFRS runs on legacy Keras, which must be chosen before the import."""

import gc
import os
import sys

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

_UNUSED = "googleapiclient"
"""TensorFlow imports it, where it is installed, for clusters on Google's cloud; it searches all installed packages."""

_collecting = gc.isenabled()
_absent = _UNUSED not in sys.modules
gc.disable()  # of the thousands of modules nothing is garbage; looking for it takes a seventh of the import
if _absent:
    sys.modules[_UNUSED] = None  # type: ignore[assignment]  # an import of it fails, which TensorFlow expects
try:
    import tensorflow as tf
finally:
    if _absent:
        del sys.modules[_UNUSED]
    gc.freeze()
    if _collecting:
        gc.enable()

Tensor = tf.Tensor

__all__ = ["Tensor", "tf"]
