"""The networks of a SavedModel once more, as ONNX: what serving runs."""

import logging
from pathlib import Path
from typing import Any

import numpy as np

from model.networks.trained import TrainedNetworks
from model.ranking.networks import LINE

OPSET = 17


def write_onnx(networks: TrainedNetworks, directory: Path) -> None:
    """Writes NAME.onnx of each network and the pre-ranker's line. Equal networks give equal files."""
    import onnx
    import tf2onnx  # takes a second, and only export needs it

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    directory.mkdir(parents=True)
    for name, function in networks.functions.items():
        model, _ = tf2onnx.convert.from_function(function, input_signature=function.input_signature, opset=OPSET)
        name_constants(model.graph)
        onnx.save(model, str(directory / f"{name}.onnx"))
    np.save(directory / LINE, networks.line)


def name_constants(graph: Any) -> None:
    """Names the constants of an ONNX graph by their first use, and puts them into that order: the converter takes them
    from a set, so their names and places differ from run to run."""
    constants = {constant.name for constant in graph.initializer}
    used = dict.fromkeys(name for node in graph.node for name in node.input if name in constants)
    names = {name: f"constant_{number}" for number, name in enumerate(used)}
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
    for constant in graph.initializer:
        constant.name = names.get(constant.name, constant.name)
    order = {name: number for number, name in enumerate(names.values())}
    graph.initializer.sort(key=lambda constant: (order.get(constant.name, len(order)), constant.name))
