"""How much better the second run's model is: paired on the same trips, or not at all."""

import numpy as np

from components.artifacts.evaluation import Delta
from model.evaluation.ranking_metrics import PER_TRIP
from pipelines.compare.finished_run import FinishedRun
from tfx_configs.evaluation import CANDIDATE, REGRESSION_METRIC, EvaluationSettings

PLAN = EvaluationSettings()


def why_not_paired(first: FinishedRun, second: FinishedRun) -> str:
    """Why the runs' trips cannot be paired; empty where they can."""
    a, b = first.evaluation, second.evaluation
    if not a.digest or a.digest != b.digest:
        return "they judge other trips: another cut, other data, or other settings of trips and labels"
    if a.task != b.task:
        return f"they judge other tasks: {a.task} and {b.task}"
    lacking = [run.name for run in (first, second) if CANDIDATE not in run.values.models]
    return f"{' and '.join(lacking)} stored no values by trip, as runs of this release do" if lacking else ""


def paired_differences(first: FinishedRun, second: FinishedRun) -> dict[str, Delta]:
    """{per-trip metric: the second candidate over the first, percent, with its 95 % interval}; empty where the trips
    cannot be paired."""
    if why_not_paired(first, second):
        return {}
    ours, theirs = second.values.models[CANDIDATE], first.values.models[CANDIDATE]
    return {name: Delta.between(ours[name], theirs[name], PLAN) for name in PER_TRIP if name in ours and name in theirs}


def slice_difference(first: FinishedRun, second: FinishedRun, slicing: str, value: str) -> Delta:
    """The same of REGRESSION_METRIC on the trips of a slice; undefined where the runs cut the slice differently."""
    if why_not_paired(first, second):
        return Delta()
    inside_N, other_N = (run.values.within(slicing, value) for run in (first, second))
    if not inside_N.any() or not np.array_equal(inside_N, other_N):
        return Delta()
    ours, theirs = (run.values.models[CANDIDATE][REGRESSION_METRIC][inside_N] for run in (second, first))
    return Delta.between(ours, theirs, PLAN)
