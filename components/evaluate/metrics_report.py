"""Turns every model's lists into the numbers of metrics.json, with numpy alone.

Shape legend: N judged trips, K recommendations.
"""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Self

import numpy as np

from components.artifacts.evaluation import Delta, Deltas, Ends, Measured, Slice
from model.evaluation import ranking_metrics as metrics
from model.evaluation.next_basket_task import Task
from tfx_configs.evaluation import GATE_METRICS, REGRESSION_METRIC, EvaluationSettings

ByTrip = dict[str, dict[str, np.ndarray]]
"""{model: {metric: [N] value, NaN where undefined}}."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Judged:
    """The judged trips with every model's lists on them."""

    baskets: list[np.ndarray]
    """N arrays of distinct item indices."""
    histories: list[np.ndarray]
    """N arrays of the item indices bought before."""
    items: dict[str, np.ndarray]
    """{model: [N, K] item indices, padded with NO_ITEM}."""
    slices: dict[str, np.ndarray]
    """{slicing: [N] str}."""
    information_I: np.ndarray
    """[I] self-information of every item, bits."""
    scores: dict[str, np.ndarray]
    """{model: [N, K] probabilities, NaN where a list has ended}, of the models whose score is one."""

    @classmethod
    def of(
        cls, task: Task, items: dict[str, np.ndarray], slices: dict[str, np.ndarray], scores: dict[str, np.ndarray]
    ) -> Self:
        """Puts the lists beside what was bought, then and before."""
        return cls(
            baskets=task.baskets,
            histories=task.histories,
            items=items,
            slices=slices,
            information_I=task.self_information(),
            scores=scores,
        )

    def hits(self, items_NK: np.ndarray) -> metrics.Hits:
        """What of these lists was bought."""
        return metrics.find_hits(items_NK, self.baskets, self.histories, self.information_I)

    @functools.cached_property
    def values(self) -> ByTrip:
        """Every per-trip metric of every model."""
        return {name: metrics.by_trip(self.hits(items_NK)) for name, items_NK in self.items.items()}

    @functools.cached_property
    def curves(self) -> dict[str, list[metrics.Bin]]:
        """{model: reliability of its first ten}, of the models whose score is a probability."""
        return {
            name: metrics.reliability(score_NK, self.hits(self.items[name]).hit_TK, 10)
            for name, score_NK in self.scores.items()
        }


def overall(judged: Judged, active_items: int) -> dict[str, dict[str, float]]:
    """{model: {metric: mean}}, with what is measured across trips; NaN where undefined."""
    means = _means(judged.values, np.ones(len(judged.baskets), bool))
    for name, items_NK in judged.items.items():
        curve = judged.curves.get(name, [])
        means[name][metrics.COVERAGE] = metrics.coverage(items_NK, 10, active_items)
        means[name][metrics.CALIBRATION_ERROR] = metrics.calibration_error(curve)
        means[name][metrics.CALIBRATION_RATIO] = metrics.calibration_ratio(curve)
    return means


def intervals(values: ByTrip, settings: EvaluationSettings) -> dict[str, dict[str, Ends]]:
    """{model: {metric of GATE_METRICS: 95 % interval of the model's own mean}}."""
    return {
        name: {
            metric: Ends(
                **metrics.mean_interval(of_model[metric], seed=settings.seed, rounds=settings.bootstrap_rounds)
            )
            for metric in GATE_METRICS
        }
        for name, of_model in values.items()
    }


def by_slice(judged: Judged, candidate: str, settings: EvaluationSettings) -> list[Slice]:
    """One a slice, in order of name and value."""
    slices = []
    for slicing, labels_N in sorted(judged.slices.items()):
        for value in np.unique(labels_N):
            mask_N = labels_N == value
            of_slice = {m: {name: value_N[mask_N] for name, value_N in of.items()} for m, of in judged.values.items()}
            slices.append(
                Slice(
                    slice=slicing,
                    value=str(value),
                    trips=int(mask_N.sum()),
                    models=_means(judged.values, mask_N),
                    paired=paired(of_slice, candidate, settings, (REGRESSION_METRIC,)),
                )
            )
    return slices


def paired(
    values: ByTrip, candidate: str, settings: EvaluationSettings, of: Sequence[str] = GATE_METRICS
) -> dict[str, Deltas]:
    """{other model: {metric: difference}}: the candidate against each on the same trips."""
    ours = values[candidate]
    return {
        name: {metric: Delta.between(ours[metric], others[metric], settings) for metric in of}
        for name, others in values.items()
        if name != candidate
    }


def measured(values: ByTrip, candidate: str, settings: EvaluationSettings, of: Sequence[str]) -> Measured:
    """Means of every metric, and the candidate's differences of those of `of`."""
    trips = len(next(iter(values[candidate].values())))
    return Measured(models=_means(values, np.ones(trips, bool)), paired=paired(values, candidate, settings, of))


def _means(values: ByTrip, mask_N: np.ndarray) -> dict[str, dict[str, float]]:
    return {
        name: {metric: metrics.mean_defined(value_N[mask_N]) for metric, value_N in model.items()}
        for name, model in values.items()
    }
