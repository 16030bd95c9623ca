"""The import of TensorFlow leaves nothing behind that another import would trip over."""

import importlib
import sys

import model.system.legacy_keras  # noqa: F401


def test_what_tensorflow_does_without_can_be_imported_afterwards() -> None:
    assert sys.modules.get("googleapiclient", importlib) is not None
    assert importlib.import_module("googleapiclient").__name__ == "googleapiclient"
