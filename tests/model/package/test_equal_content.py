"""The same networks give the same files, and so the same version."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from model.files import tree_digests
from model.package.onnx_export import name_constants

EXPORT = """
import sys
from pathlib import Path
from model.package.export import export
from model.ranking.recommender import Recommender
from model.system.legacy_keras import tf
from tests.model.networks_of import index_of, networks_of
from tests.model.small_catalog import small_catalog
from tfx_configs.settings import CandidateSettings, FeatureSettings
catalog, features, candidates = small_catalog().as_served(), FeatureSettings(), CandidateSettings(popular=2)
tf.keras.utils.set_random_seed(1)
networks = networks_of(catalog, features)
recommender = Recommender(catalog, features, candidates, networks=networks)
index = index_of(networks, catalog)
export(Path(sys.argv[1]), "aisle", recommender, catalog, features=features, candidates=candidates, index=index)
"""


def test_two_processes_export_the_same_networks_as_equal_files(tmp_path: Path) -> None:
    """Python's sets have another order in each of them."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", EXPORT, str(tmp_path / seed)],
            env=os.environ | {"PYTHONHASHSEED": seed},
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    for process in started:
        _, stderr = process.communicate(timeout=600)
        assert process.returncode == 0, stderr
    first, second = tree_digests(tmp_path / "1"), tree_digests(tmp_path / "2")
    assert {name for name in first | second if first.get(name) != second.get(name)} == set()
    assert {"manifest.json", "onnx/rank.onnx", "saved_model/saved_model.pb"} <= set(first)


def _graph(*names: str) -> onnx.GraphProto:
    """x + 1 + 2, whose constants have these names and are listed in this order."""
    values = dict(zip(sorted(names), (1.0, 2.0), strict=True))
    nodes = [
        helper.make_node("Add", ["x", min(names)], ["y"]),
        helper.make_node("Add", ["y", max(names)], ["z"]),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xz"]
    constants = [numpy_helper.from_array(np.array([values[name]], np.float32), name) for name in names]
    return helper.make_graph(nodes, "sum", ends[:1], ends[1:], constants)


def test_constants_are_named_and_listed_by_their_first_use() -> None:
    first, second = _graph("fold_1", "fold_2"), _graph("fold_9", "fold_8")
    for graph in (first, second):
        name_constants(graph)
    assert first == second
    assert [list(node.input) for node in first.node] == [["x", "constant_0"], ["y", "constant_1"]]
    assert [float(numpy_helper.to_array(c)[0]) for c in first.initializer] == [1.0, 2.0]
