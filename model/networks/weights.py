"""What training sets, by name: the towers', the ranker's and the pre-ranker's weights inside a SavedModel.

They are stored once: the names lead to the same variables that the signatures read.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from model.errors import ModelRefused
from model.system.legacy_keras import tf

ATTRIBUTE = "weights"
"""Of the module that is saved (model/networks/trained.py)."""


def weights(query_tower: tf.Module, ranker: tf.Module, preranker: tf.Module) -> dict[str, tf.Variable]:
    """{name: variable}, the item tower's among the query tower's; layers have theirs once they were called."""
    parts = {"towers": query_tower, "ranker": ranker, "preranker": preranker}
    named = [(part, v.name.split("/")[-1].split(":")[0], v) for part, module in parts.items() for v in module.variables]
    return {f"{part}-{n:02d}-{name}": variable for n, (part, name, variable) in enumerate(named)}


def read(directory: Path) -> dict[str, np.ndarray]:
    """{name: value} from a model directory; {} where it has none."""
    reader = tf.train.load_checkpoint(str(directory / "saved_model" / "variables" / "variables"))
    keys = [key.split("/") for key in reader.get_variable_to_shape_map()]
    return {key[1]: reader.get_tensor("/".join(key)) for key in sorted(keys) if key[0] == ATTRIBUTE}


def assign(variables: Mapping[str, tf.Variable], values: Mapping[str, np.ndarray]) -> None:
    """Raises ModelRefused unless both have the same names and shapes; then nothing was assigned."""
    made, wanted = ({name: tuple(v.shape) for name, v in arrays.items()} for arrays in (values, variables))
    if made != wanted:
        off = min(name for name in made | wanted if made.get(name) != wanted.get(name))
        here, there = wanted.get(off, "none"), made.get(off, "none")
        raise ModelRefused(f"expected the parent's {off} of shape {here}, got {there}; start: scratch")
    for name, variable in variables.items():
        variable.assign(values[name])
