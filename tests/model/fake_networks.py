"""Networks that are plain functions of their inputs, for what is built around them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from model.features.recent import Recent


class FakeNetworks:
    """Implements model.ranking.networks.Networks."""

    def __init__(
        self,
        line: np.ndarray,
        added: Callable[[np.ndarray], Any],
        score: Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], Any] = lambda *_: 0.5,
    ) -> None:
        """added: to the line, from [N, J] inputs. score: from the ranker's inputs."""
        self.line = line
        self._added, self._score = added, score

    def query(self, recent: Recent) -> np.ndarray:
        """[B, 4] the moment."""
        return recent.moment_BX

    def prerank(self, input_NJ: np.ndarray) -> np.ndarray:
        """As `added`."""
        return np.broadcast_to(np.asarray(self._added(input_NJ), np.float32), len(input_NJ))

    def rank(
        self, dense_CF: np.ndarray, vocabulary_C: np.ndarray, attribute_CA: np.ndarray, user_CD: np.ndarray
    ) -> np.ndarray:
        """As `score`."""
        scores = self._score(dense_CF, vocabulary_C, attribute_CA, user_CD)
        return np.ascontiguousarray(np.broadcast_to(np.asarray(scores, np.float32), len(dense_CF)))
