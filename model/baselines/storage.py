"""A baseline as files: its parameters as JSON, its arrays as NPZ. What the catalog as served has is not stored again.

An array's name ends in its axes: I items of the catalog; other letters are the baseline's own lengths. What compares
shoppers (model/baselines/user_similarity.py) has no files: they would hold purchases of people.
"""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ConfigDict, ValidationError, create_model

from model.baselines.frequency import Baseline, Feature, Logistic
from model.baselines.item_similarity import Ease, ImplicitAls, ItemKnn
from model.baselines.whole_catalog import PopularUnseen, WholeCatalog
from model.data.catalog import Catalog
from model.errors import ModelRefused
from model.features.records import feature_records
from model.files import read_json, write_json
from model.ranking.recommender import Recommender, Recommends
from tfx_configs.settings import CandidateSettings, FeatureSettings

RECORD, ARRAYS = "baseline.json", "arrays.npz"


@dataclass(frozen=True, kw_only=True)
class _Kind:
    """What a scorer is built of: arguments of its constructor, and attributes of the same names."""

    scorer: type
    of_catalog: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """{name: type}"""
    arrays: Mapping[str, str] = field(default_factory=dict)
    """{name: the axis whose positions it holds, as int32; of float32 arrays, none}"""


_KINDS = {
    "feature": _Kind(scorer=Feature, of_catalog=("names",), parameters={"feature": str, "fill": float, "fills": bool}),
    "logistic": _Kind(scorer=Logistic, of_catalog=("names",), parameters={"weights": dict[str, float]}),
    "popular_unseen": _Kind(scorer=PopularUnseen, of_catalog=("popularity_I",)),
    "item_knn": _Kind(scorer=ItemKnn, arrays={"near_IN": "I", "similar_IN": ""}),
    "ease": _Kind(scorer=Ease, of_catalog=("items",), arrays={"head_E": "I", "weight_EE": ""}),
    "ials": _Kind(scorer=ImplicitAls, parameters={"regularization": float, "alpha": float}, arrays={"factor_If": ""}),
}
_NAMES = {kind.scorer: name for name, kind in _KINDS.items()}


def save(scorer: Any, directory: Path) -> None:
    """Writes RECORD and ARRAYS into the directory, which is made.

    Args:
        scorer: one of model/baselines: the `scorer` of a Recommender or of a WholeCatalog.
    """
    directory.mkdir(parents=True)
    name = _NAMES[type(scorer)]
    kind = _KINDS[name]
    parameters = {parameter: getattr(scorer, parameter) for parameter in kind.parameters}
    write_json(directory / RECORD, {"name": name, "parameters": parameters})
    np.savez(directory / ARRAYS, **{array: getattr(scorer, array) for array in kind.arrays})


def load(directory: Path, catalog: Catalog, features: FeatureSettings, candidates: CandidateSettings) -> Recommends:
    """The recommender whose scorer was saved.

    Args:
        catalog: as served with it.

    Raises:
        ModelRefused: the files are not those of a baseline on this catalog.
    """
    try:
        scorer = _scorer(directory, catalog, features)
    except ValidationError as error:
        first = error.errors()[0]
        reason = f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        reason = f"{type(error).__name__}: {error}"
    else:
        if isinstance(scorer, Baseline):
            return Recommender(catalog, features, candidates, scorer)
        return WholeCatalog(catalog, scorer)
    raise ModelRefused(f"{directory}: expected a baseline of this catalog, got none ({reason}); export it again")


def _scorer(directory: Path, catalog: Catalog, features: FeatureSettings) -> Any:
    record = read_json(directory / RECORD)
    name = record["name"]
    if name not in _KINDS:
        raise ValueError(f"expected a name among {', '.join(_KINDS)}, got {name}")
    kind = _KINDS[name]
    fields: dict[str, Any] = {parameter: (of, ...) for parameter, of in kind.parameters.items()}
    parameters = create_model("Parameters", __config__=ConfigDict(extra="forbid", strict=True), **fields)
    context = {
        "names": [feature.name for feature in feature_records(catalog, features)],
        "popularity_I": catalog.decayed_WI[-1],
        "items": catalog.items,
    }
    return kind.scorer(
        **{fact: context[fact] for fact in kind.of_catalog},
        **parameters.model_validate(record["parameters"]).model_dump(),
        **_arrays(directory / ARRAYS, kind.arrays, catalog),
    )


def _arrays(path: Path, wanted: Mapping[str, str], catalog: Catalog) -> dict[str, np.ndarray]:
    """Raises ValueError where one does not fit the others or the catalog."""
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in wanted}
    sizes = {"I": catalog.items}
    for name, positions_of in wanted.items():
        array, axes = arrays[name], name.rsplit("_", maxsplit=1)[1]
        shape = tuple(sizes.setdefault(axis, size) for axis, size in zip(axes, array.shape, strict=False))
        dtype = np.dtype(np.int32 if positions_of else np.float32)
        if array.shape != shape or len(shape) != len(axes) or array.dtype != dtype:
            raise ValueError(f"{name}: expected {dtype} of shape {shape}, got {array.dtype} of shape {array.shape}")
        if positions_of and array.size and not 0 <= array.min() <= array.max() < sizes[positions_of]:
            raise ValueError(f"{name}: expected numbers from 0 to below {sizes[positions_of]}, got others")
    return arrays
