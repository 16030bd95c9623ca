"""CPU of the trained ranker on one request's candidates, by what runs it: the SavedModel in TensorFlow, which computes
what Keras does, and ONNX Runtime."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from model.candidates.barred import Barred
from model.data.batch import TripReader
from model.data.trips import Trips
from model.features.recent import Recent
from model.networks.trained import SavedNetworks
from model.package.engine import ONNX, SAVED_MODEL, Engine
from model.ranking.networks import OnnxNetworks
from model.system.legacy_keras import tf

REPEATS = 300


class _Recorder:
    """Networks that keep what the ranker is asked."""

    def __init__(self, networks: OnnxNetworks) -> None:
        self._networks, self.line = networks, networks.line
        self.asked: tuple[np.ndarray, ...] = ()

    def query(self, recent: Recent) -> np.ndarray:
        return self._networks.query(recent)

    def prerank(self, input_NJ: np.ndarray) -> np.ndarray:
        return self._networks.prerank(input_NJ)

    def rank(self, *inputs: np.ndarray) -> np.ndarray:
        self.asked = inputs
        return self._networks.rank(*inputs)


def main(model: str, examples: str) -> dict[str, Any]:
    """{candidates, largest_difference, saved_model_ms, onnxruntime_ms}, one thread each."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    directory, trips = Path(model), Trips.load(Path(examples) / Trips.DIRECTORY)
    onnx, saved = OnnxNetworks(directory / ONNX), SavedNetworks(directory / SAVED_MODEL)
    recorder = _Recorder(onnx)
    engine = Engine(directory, recorder)
    batch = TripReader(trips, engine.catalog).batch(trips.first_test_trips()[:1])
    engine.recommend(batch, engine.retrieve(batch, engine.ranked), Barred.none(1), engine.ranked, 10)
    inputs = recorder.asked
    ways: dict[str, Callable[[], np.ndarray]] = {
        "saved_model": lambda: saved.rank(*inputs),
        "onnxruntime": lambda: onnx.rank(*inputs),
    }
    difference = float(np.abs(ways["saved_model"]() - ways["onnxruntime"]()).max())
    cpu_s = dict.fromkeys(ways, 0.0)
    for _ in range(REPEATS):
        for name, way in ways.items():  # in turn: what disturbs one disturbs the other
            began = time.process_time()
            way()
            cpu_s[name] += time.process_time() - began
    each = {f"{name}_ms": round(1000 * used / REPEATS, 3) for name, used in cpu_s.items()}
    return {"candidates": len(inputs[0]), "largest_difference": difference} | each
