"""The networks of a SavedModel once more, as ONNX: what serving runs."""

import logging
from pathlib import Path

import numpy as np

from model.networks.trained import TrainedNetworks
from model.ranking.networks import LINE

OPSET = 17


def write_onnx(networks: TrainedNetworks, directory: Path) -> None:
    """Writes NAME.onnx of each network and the pre-ranker's line."""
    import tf2onnx  # takes a second, and only export needs it

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    directory.mkdir(parents=True)
    for name, function in networks.functions.items():
        tf2onnx.convert.from_function(
            function,
            input_signature=function.input_signature,
            opset=OPSET,
            output_path=str(directory / f"{name}.onnx"),
        )
    np.save(directory / LINE, networks.line)
