"""What a study found: its trials, the best of them, and the settings that it chose, as files in its directory."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
import yaml
from optuna.trial import FrozenTrial, TrialState

from components.artifacts.artifact import Artifact, Number, Record
from components.tracking.tracked import State
from model.evaluation.ranking_metrics import paired_delta
from model.files import write_text
from pipelines.tuning.space import RANGES, as_tree, changed, values_of, with_values
from pipelines.tuning.study import REASON, RESULT, Tuning, finished
from pipelines.tuning.trial import TrialResult
from tfx_configs.evaluation import REGRESSION_METRIC, EvaluationSettings

CHOSEN = "chosen.yaml"
STATES: Mapping[TrialState, State] = {
    TrialState.COMPLETE: "done",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


class Trial(Record):
    """One trial. `changed`: what differs from the settings as they are."""

    number: int
    state: State
    changed: dict[str, Any]
    reason: str = ""
    figures: dict[str, float] = {}
    screening: Number = None
    """ndcg@10 of the screening run."""
    seconds: float = 0.0


class StudyResult(Artifact, file="tune.json", stage="aisle tune"):
    """The study so far."""

    cut: str
    end: str
    """Judged from the one day to before the other."""
    trips: int
    as_it_was: dict[str, Any]
    """{setting: value} before anything was tried."""
    trials: tuple[Trial, ...]
    best: int
    """Number of the trial with the best ndcg@10."""
    delta_pct: Number
    low_pct: Number
    high_pct: Number
    """Its ndcg@10 over the settings as they were, percent, with its 95 % interval on the trips of the choice."""

    @property
    def chosen(self) -> Trial:
        return next(trial for trial in self.trials if trial.number == self.best)

    @property
    def base(self) -> Trial:
        """The first that came to its end: the settings as they were."""
        return next(trial for trial in self.trials if trial.state == "done")

    def by_value(self) -> dict[str, dict[str, list[float]]]:
        """{setting: {value: ndcg@10 of the trials with it that came to their end}}, values as text, sorted."""
        table: dict[str, dict[str, list[float]]] = {}
        for name, base in self.as_it_was.items():
            values: dict[str, list[float]] = {}
            for trial in self.trials:
                if trial.state == "done":
                    value = trial.changed.get(name, base)
                    text = f"{value:.2g}" if name in RANGES else json.dumps(value).strip('"')
                    values.setdefault(text, []).append(trial.figures[REGRESSION_METRIC])
            table[name] = dict(sorted(values.items()))
        return table

    def running_best(self) -> list[tuple[int, float]]:
        """(trial, best ndcg@10 up to it) of the trials that came to their end."""
        best, line = float("-inf"), []
        for trial in self.trials:
            if trial.state == "done":
                best = max(best, trial.figures[REGRESSION_METRIC])
                line.append((trial.number, best))
        return line


def study_result(tuning: Tuning, study: optuna.Study) -> StudyResult:
    """Of a study with at least one trial that came to its end."""
    ended, plan = finished(study), EvaluationSettings()
    base, best = ended[0], study.best_trial
    metric = REGRESSION_METRIC
    change = paired_delta(
        tuning.values(best)[metric], tuning.values(base)[metric], seed=plan.seed, rounds=plan.bootstrap_rounds
    )
    now = values_of(tuning.prepared.run)
    trials = study.get_trials(deepcopy=False, states=tuple(STATES))
    return StudyResult(
        cut=tuning.prepared.cut,
        end=tuning.prepared.end,
        trips=base.user_attrs[RESULT]["trips"],
        trials=tuple(_trial(trial, changed(trial.params, now)) for trial in trials if trial.params),
        best=best.number,
        **dataclasses.asdict(change),
        as_it_was=now,
    )


def write_chosen(tuning: Tuning, result: StudyResult, path: Path) -> None:
    """The settings of the best trial, for --config: all that differs from the defaults, without where the data is."""
    tree = as_tree(with_values(tuning.prepared.run, result.chosen.changed))
    words = (
        f"# Trial {result.best} of {len(result.trials)}, judged on {result.trips:,} trips from {result.cut} to before "
        f"{result.end}:\n# {REGRESSION_METRIC} {result.chosen.figures[REGRESSION_METRIC]:.4f}, "
        f"{result.base.figures[REGRESSION_METRIC]:.4f} with the settings as they were.\n"
    )
    write_text(path, words + (yaml.safe_dump(tree, sort_keys=False, allow_unicode=True) if tree else "{}\n"))


def _trial(trial: FrozenTrial, differing: dict[str, Any]) -> Trial:
    result = TrialResult.model_validate(trial.user_attrs.get(RESULT, {"figures": {}, "trips": 0, "seconds": 0.0}))
    return Trial(
        number=trial.number,
        state=STATES[trial.state],
        changed=differing,
        reason=trial.user_attrs.get(REASON, ""),
        figures=result.figures,
        screening=trial.intermediate_values.get(0),
        seconds=result.seconds,
    )
