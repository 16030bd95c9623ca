"""The ranking network in TensorFlow and in ONNX Runtime: milliseconds of CPU for one request's candidates, one thread.

The whole graph is tried too, with the error that prevents it.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import tf2onnx

from components.train.ranker import no_scorer
from model.data.batch import Batch
from model.data.catalog import Catalog
from model.networks.ranker import Ranker, RankerScorer
from model.networks.recommender import Recommender
from model.system.legacy_keras import tf
from tfx_configs.recipes import full

BATCHES = (1, 8)
"""Requests ranked at once: a quiet server, and one that is busy."""
REPEATS = 200
OPSET, K = 18, 10
DTYPES = (tf.int32, tf.int64, tf.int32, tf.int64, tf.int32, tf.int32)
"""Of Batch's fields."""


def main(examples: str) -> dict[str, Any]:
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    run, catalog = full(), Catalog.load(Path(examples) / Catalog.DIRECTORY).as_served()
    recommender = Recommender(catalog, run, no_scorer)
    features = len(recommender.features.records)
    ranker = Ranker(catalog, features)
    signature = [
        tf.TensorSpec([None, features], tf.float32, "dense"),
        tf.TensorSpec([None], tf.int32, "item"),
        tf.TensorSpec([None], tf.int32, "user"),
    ]
    network = tf.function(lambda dense, item, user: ranker(dense, item, user), input_signature=signature)
    converted, _ = tf2onnx.convert.from_function(network, input_signature=signature, opset=OPSET)
    session = _session(converted)
    measured = [_compared(network, session, batch, run.candidates.ranked, features, catalog.items) for batch in BATCHES]
    return {"network": measured, "whole_graph": _obstacle(Recommender(catalog, run, RankerScorer(ranker)))}


def _session(converted: Any) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(converted.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _compared(
    network: Any, session: onnxruntime.InferenceSession, batch: int, ranked: int, features: int, items: int
) -> dict[str, Any]:
    """Both on the same inputs, in turn, so that what disturbs one disturbs the other."""
    rng, rows = np.random.default_rng(7), batch * ranked
    inputs = {
        "dense": rng.normal(size=(rows, features)).astype(np.float32),
        "item": rng.integers(0, items, rows).astype(np.int32),
        "user": np.zeros(rows, np.int32),
    }
    tensors = [tf.constant(value) for value in inputs.values()]
    ways: dict[str, Callable[[], np.ndarray]] = {
        "tensorflow": lambda: network(*tensors).numpy(),
        "onnxruntime": lambda: session.run(None, inputs)[0],
    }
    difference = float(np.abs(ways["tensorflow"]() - ways["onnxruntime"]()).max())
    cpu_s = dict.fromkeys(ways, 0.0)
    for _ in range(REPEATS):
        for name, way in ways.items():
            began = time.process_time()
            way()
            cpu_s[name] += time.process_time() - began
    each = {f"{name}_ms": round(1000 * used / REPEATS / batch, 3) for name, used in cpu_s.items()}
    return {"requests_at_once": batch, "candidates": ranked, "largest_difference": difference} | each


def _obstacle(recommender: Recommender) -> str:
    """The error of ONNX Runtime for the whole graph behind the string tables, or that it takes it."""
    batch = Batch(*(tf.TensorSpec([None], dtype) for dtype in DTYPES))
    rest = [tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32), tf.TensorSpec([None], tf.int32)]
    limit = recommender.candidates.ranked

    def whole(*inputs: Any) -> Any:
        retrieved, exclude_item, exclude_row = inputs[len(batch) :]
        return recommender.recommend(Batch(*inputs[: len(batch)]), retrieved, exclude_item, exclude_row, limit, K)[:2]

    try:
        made, _ = tf2onnx.convert.from_function(tf.function(whole), input_signature=[*batch, *rest], opset=OPSET)
        _session(made)
    except Exception as error:  # whatever the converter or the runtime raises is the finding
        return f"{type(error).__name__}: {str(error).splitlines()[0]:.300}"
    return "converts"
