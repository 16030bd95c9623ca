"""How much better the second run's model is: paired on the same trips, or not at all."""

import dataclasses

from components.artifacts.evaluation import Delta
from model.evaluation.ranking_metrics import PER_TRIP, paired_delta
from pipelines.compare.finished_run import FinishedRun
from tfx_configs.evaluation import CANDIDATE, EvaluationSettings


def why_not_paired(first: FinishedRun, second: FinishedRun) -> str:
    """Why the runs' trips cannot be paired; empty where they can."""
    a, b = first.evaluation, second.evaluation
    if not a.digest or a.digest != b.digest:
        return "they judge other trips: another cut, other data, or other settings of trips and labels"
    if a.task != b.task:
        return f"they judge other tasks: {a.task} and {b.task}"
    lacking = [run.name for run in (first, second) if CANDIDATE not in run.values]
    return f"{' and '.join(lacking)} stored no values by trip, as runs of this release do" if lacking else ""


def paired_differences(
    first: FinishedRun, second: FinishedRun, plan: EvaluationSettings = EvaluationSettings()
) -> dict[str, Delta]:
    """{per-trip metric: the second candidate over the first, percent, with its 95 % interval}; empty where the trips
    cannot be paired."""
    if why_not_paired(first, second):
        return {}
    ours, theirs = second.values[CANDIDATE], first.values[CANDIDATE]
    return {
        metric: Delta(
            **dataclasses.asdict(
                paired_delta(ours[metric], theirs[metric], seed=plan.seed, rounds=plan.bootstrap_rounds)
            )
        )
        for metric in PER_TRIP
        if metric in ours and metric in theirs
    }
