"""What the recommender asks of trained networks, whatever runs them: Keras in training, ONNX Runtime in serving.

Shape legend: B requests, N entries of the pools, J inputs, C candidates, F features, A and D attributes of items and
shoppers, d width of the towers.
"""

from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime as ort

from model.features.recent import Recent

LINE = "line.npy"
NAMES = ("query", "prerank", "rank")
"""The networks, as signatures of the SavedModel and as files NAME.onnx."""


class Networks(Protocol):
    """All of a trained model that is learned. Thread-safe."""

    line: np.ndarray
    """float32 weights of the pre-ranker's line (model.candidates.line.LINE)."""

    def query(self, recent: Recent) -> np.ndarray:
        """[B, d] float32 unit vectors: what the index is searched with."""
        ...

    def prerank(self, input_NJ: np.ndarray) -> np.ndarray:
        """[N] float32: what the pre-ranker's network adds to the line."""
        ...

    def rank(
        self, dense_CF: np.ndarray, vocabulary_C: np.ndarray, attribute_CA: np.ndarray, user_CD: np.ndarray
    ) -> np.ndarray:
        """[C] float32 probability of a purchase on this trip."""
        ...


class NamedInputs:
    """Implements the calls of Networks for what takes the inputs of each network by name.

    Example:
        >>> class Names(NamedInputs):
        ...     def _run(self, name, inputs):
        ...         return name, list(inputs)
        >>> Names().prerank(np.zeros((1, 11)))
        ('prerank', ['input'])
    """

    def query(self, recent: Recent) -> np.ndarray:
        """As Networks.query."""
        names = ("vocabulary", "attribute", "weight", "moment", "user")
        return self._run("query", dict(zip(names, recent, strict=True)))

    def prerank(self, input_NJ: np.ndarray) -> np.ndarray:
        """As Networks.prerank."""
        return self._run("prerank", {"input": input_NJ})

    def rank(
        self, dense_CF: np.ndarray, vocabulary_C: np.ndarray, attribute_CA: np.ndarray, user_CD: np.ndarray
    ) -> np.ndarray:
        """As Networks.rank."""
        inputs = {"dense": dense_CF, "vocabulary": vocabulary_C, "attribute": attribute_CA, "user": user_CD}
        return self._run("rank", inputs)

    def _run(self, name: str, inputs: dict[str, np.ndarray]) -> np.ndarray:
        """What the network of this name makes of its inputs."""
        raise NotImplementedError


class OnnxNetworks(NamedInputs):
    """Implements Networks from a directory that model/package/onnx_export.py wrote."""

    def __init__(self, directory: Path, threads: int = 1) -> None:
        """threads: inside one call; requests are answered side by side instead."""
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        self.line = np.load(directory / LINE, allow_pickle=False)
        self._sessions = {
            name: ort.InferenceSession(str(directory / f"{name}.onnx"), options, providers=["CPUExecutionProvider"])
            for name in NAMES
        }
        self._inputs = {name: [i.name for i in session.get_inputs()] for name, session in self._sessions.items()}

    def _run(self, name: str, inputs: dict[str, np.ndarray]) -> np.ndarray:
        """Attributes of which there are none are no inputs of the network."""
        return self._sessions[name].run(None, {i: inputs[i] for i in self._inputs[name]})[0]
