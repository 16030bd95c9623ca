"""A model directory's recommender and its index, on numbers alone: ids come in with model/package/loaded_model.py.

Shape legend: B requests, R retrieved.
"""

import json
from pathlib import Path

import numpy as np

from model.baselines.storage import load as load_baseline
from model.candidates.barred import Barred
from model.data.batch import Batch
from model.data.catalog import Catalog
from model.errors import ModelRefused
from model.files import read_json
from model.package.vector_index import load_index
from model.ranking.networks import Networks, OnnxNetworks
from model.ranking.recommender import Ranking, Recommender, Recommends
from tfx_configs.frozen import SettingsError
from tfx_configs.settings import CandidateSettings, FeatureSettings

SETTINGS, CATALOG, INDEX = "recommender.json", "catalog", "index"
SAVED_MODEL, ONNX, BASELINE = "saved_model", "onnx", "baseline"
"""Files and directories of a model directory."""
NEIGHBOURS = 6
"""Items wanted from the index for each candidate that is ranked; further ones are hardly ever among those."""


class Engine:
    """Stateless after construction, so threads may share it."""

    def __init__(self, directory: Path, networks: Networks | None = None) -> None:
        """networks: None: those of ONNX Runtime. Raises ModelRefused where the directory is not readable as a model."""
        self.catalog = catalog = Catalog.load(directory / CATALOG)
        features, self._candidates = _settings(directory / SETTINGS)
        self.recommender: Recommends
        if (directory / ONNX).is_dir():
            networks = networks or OnnxNetworks(directory / ONNX)
            self.recommender = Recommender(catalog, features, self._candidates, networks=networks)
        else:
            self.recommender = load_baseline(directory / BASELINE, catalog, features, self._candidates)
        self._index = load_index(directory / INDEX) if (directory / INDEX).is_dir() else None

    @property
    def ranked(self) -> int:
        """Candidates to score for each request."""
        return self.recommender.ranked

    def retrieve(self, batch: Batch, ranked: int) -> np.ndarray:
        """[B, R] int32 items nearest to each request; R is 0 without an index, or where none are to be ranked."""
        if self._index is None or not ranked:
            return np.zeros((len(batch.time_B), 0), np.int32)
        return self._index.search(self.recommender.query(batch), min(self._candidates.retrieved, NEIGHBOURS * ranked))

    def recommend(self, batch: Batch, retrieved_BR: np.ndarray, barred: Barred, ranked: int, k: int) -> Ranking:
        """As Recommends.recommend."""
        return self.recommender.recommend(batch, retrieved_BR, barred, ranked, k)


def _settings(path: Path) -> tuple[FeatureSettings, CandidateSettings]:
    try:
        values = read_json(path)
        features, candidates = (json.dumps(values[name]) for name in ("features", "candidates"))
        return FeatureSettings.from_json(features), CandidateSettings.from_json(candidates)
    except (OSError, ValueError, KeyError, TypeError, SettingsError) as error:
        raise ModelRefused(f"{path}: expected the settings of a recommender, got others ({error})") from None
