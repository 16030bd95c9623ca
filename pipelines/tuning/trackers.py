"""Trials as the servers of `tracking` get them."""

import datetime

import optuna
from optuna.trial import FrozenTrial

from components.tracking.servers import Servers
from components.tracking.tracked import TrackedTrial
from pipelines.tuning.result import STATES
from pipelines.tuning.space import assignments
from pipelines.tuning.study import REASON, RESULT
from tfx_configs.evaluation import REGRESSION_METRIC


def log_earlier(servers: Servers, study: optuna.Study, identity: str) -> None:
    """Sends the trials of earlier calls again: a server that was away then has them now."""
    for trial in study.get_trials(deepcopy=False, states=tuple(STATES)):
        servers.log(tracked_trial(trial, identity))


def tracked_trial(trial: FrozenTrial, identity: str) -> TrackedTrial:
    """The record of a trial that has ended. `identity`: of the study (pipelines/tuning/study.py)."""
    study, state = identity[:12], STATES[trial.state]
    facts = {"study": study, "trial": str(trial.number), "state": state, "reason": trial.user_attrs.get(REASON, "")}
    screening = {f"{REGRESSION_METRIC} screening": value for value in trial.intermediate_values.values()}
    return TrackedTrial(
        name=f"{study}-{trial.number:04d}",
        state=state,
        params=dict(line.split("=", 1) for line in assignments(trial.params)),
        facts={name: value for name, value in facts.items() if value},
        metrics=screening | trial.user_attrs.get(RESULT, {}).get("figures", {}),
        began_ms=_milliseconds(trial.datetime_start),
        ended_ms=_milliseconds(trial.datetime_complete),
    )


def _milliseconds(moment: datetime.datetime | None) -> int:
    return int(1000 * moment.timestamp()) if moment else 0
