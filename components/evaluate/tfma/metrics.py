"""The project's ranking metrics as TFMA metrics: model/evaluation/ranking_metrics.py defines them, TFMA slices and
averages them.

One example is one trip. All vectors of an example run over the same item list (every model's recommendations and the
basket, padded to one length):

    label       0 not bought, 1 bought and new to the shopper, 2 bought and bought before
    prediction  one vector a model: k for its first recommendation down to 1 for its k-th, 0 for the rest
    information self-information of the item, bits
"""

from collections.abc import Iterable, Iterator

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.utils import util

from model.evaluation import ranking_metrics as metrics

NOT_BOUGHT, NEW, REPEATED = 0.0, 1.0, 2.0
INFORMATION = "information"
"""Name of the feature."""


class _TripValue(metric_types.Preprocessor):
    """Computes one metric of one model for a trip once, before the trip fans out into its slices."""

    def __init__(self, function: str, top_k: int, model_name: str) -> None:
        super().__init__(name=f"{function}@{top_k}:{model_name}")
        self._function, self._top_k, self._model_name = function, top_k, model_name

    def process(self, extracts: dict) -> Iterator[float]:
        inputs = util.StandardExtracts(extracts)
        label_L = np.asarray(inputs.get_labels(self._model_name))
        prediction_L = np.asarray(inputs.get_predictions(self._model_name))
        information_L = np.asarray(inputs.get_features()[INFORMATION]).reshape(-1)
        hits = hits_of(label_L, prediction_L, information_L)
        yield float(getattr(metrics, self._function)(hits, self._top_k)[0])


class _MeanDefined(beam.CombineFn):
    """Mean over the trips where the metric is defined; NaN when there are none."""

    def __init__(self, key: metric_types.MetricKey) -> None:
        self._key = key

    def create_accumulator(self) -> tuple[float, int]:
        return 0.0, 0

    def add_input(self, accumulator: tuple[float, int], value: float) -> tuple[float, int]:
        total, count = accumulator
        return accumulator if np.isnan(value) else (total + value, count + 1)

    def merge_accumulators(self, accumulators: Iterable[tuple[float, int]]) -> tuple[float, int]:
        totals, counts = zip(*accumulators, strict=True)
        return sum(totals), sum(counts)

    def extract_output(self, accumulator: tuple[float, int]) -> dict[metric_types.MetricKey, float]:
        total, count = accumulator
        return {self._key: total / count if count else float("nan")}


class TripMetric(metric_types.Metric):
    """A function of model/evaluation/ranking_metrics.py, averaged over trips."""

    def __init__(self, function: str, top_k: int, name: str = "") -> None:
        super().__init__(_computations, name=name or f"{function}@{top_k}", top_k=top_k, function=function)

    def get_config(self) -> dict[str, str | int]:
        return {"name": self.name, "top_k": self.kwargs["top_k"], "function": self.kwargs["function"]}


def hits_of(label_L: np.ndarray, prediction_L: np.ndarray, information_L: np.ndarray) -> metrics.Hits:
    """One trip's vectors, as in the head of this file, as Hits: T = 1, K = length of the model's list, at least 1."""
    length = max(int((prediction_L > 0).sum()), 1)
    best_K = np.argsort(-prediction_L, kind="stable")[:length]
    listed_K, label_K = prediction_L[best_K] > 0, label_L[best_K]
    return metrics.Hits(
        hit_TK=(listed_K & (label_K != NOT_BOUGHT))[None, :],
        new_hit_TK=(listed_K & (label_K == NEW))[None, :],
        basket_T=np.array([(label_L != NOT_BOUGHT).sum()]),
        new_T=np.array([(label_L == NEW).sum()]),
        information_TK=np.where(listed_K, information_L[best_K], np.nan)[None, :],
    )


def _computations(
    function: str, top_k: int, name: str, model_names: list[str] | None = None
) -> metric_types.MetricComputations:
    keys = [metric_types.MetricKey(name=name, model_name=model) for model in model_names or [""]]
    return [
        metric_types.MetricComputation(
            keys=[key], preprocessors=[_TripValue(function, top_k, key.model_name)], combiner=_MeanDefined(key)
        )
        for key in keys
    ]


metric_types.register_metric(TripMetric)
