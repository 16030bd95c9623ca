"""An Optuna study of settings, resumable: its trials are in a journal, each trial's values beside it."""

import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from components.rollout.local.processes import running
from model.errors import InputError, StageFailed
from model.files import combined_digest, write_text
from pipelines.local.pipeline_process import follow
from pipelines.tuning.preparation import Prepared
from pipelines.tuning.space import Values, sampler, space_around, values_of, with_values
from pipelines.tuning.trial import SETTINGS, VALUES, TrialResult
from tfx_configs.evaluation import REGRESSION_METRIC
from tfx_configs.frozen import SettingsError

IDENTITY = "identity"
RESULT = "result"
REASON = "reason"
WARM_UP_TRIALS = 4
"""Trials that have to be finished before a screening run ends one that is below their median."""
MOST_FAILURES = 3
"""In a row; then something is wrong that no setting mends."""
OUT_OF_TIME = "the time was up"
Report = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """A study in a directory. The first trial has the settings as they are."""

    out: Path
    prepared: Prepared
    seed: int
    clock: Callable[[], float] = time.monotonic
    """Seconds."""

    def open(self) -> optuna.Study:
        """The study, new or continued; a trial that was running when it was ended is tried again."""
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        base = values_of(self.prepared.run)
        study = optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(self.out / "journal.log"))),
            study_name="aisle",
            sampler=sampler(self.seed),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=WARM_UP_TRIALS),
            direction="maximize",
            load_if_exists=True,
        )
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            study.tell(trial.number, state=TrialState.FAIL)
            study.enqueue_trial(trial.params)
        if not study.trials:
            study.enqueue_trial(base)
        return study

    def run(self, study: optuna.Study, minutes: float, report: Report, ended: Callable[[FrozenTrial], None]) -> None:
        """Tries settings until the time is up; the trial that then runs is ended, but never the first.

        Args:
            report: receives the progress messages of the running trial.
            ended: receives every trial that has ended.

        Raises:
            StageFailed: the first trial failed, or several in a row.
        """
        deadline, failures = self.clock() + 60 * minutes, 0
        space = space_around(values_of(self.prepared.run))
        while self.clock() < deadline or not finished(study):
            trial = study.ask(fixed_distributions=space)
            until = deadline if finished(study) else math.inf
            state, reason = self._try(trial, until, report)
            if reason:
                trial.set_user_attr(REASON, reason)
            value = trial.user_attrs[RESULT]["figures"][REGRESSION_METRIC] if state == TrialState.COMPLETE else None
            frozen = study.tell(trial, value, state=state)
            ended(frozen)
            failures = failures + 1 if state == TrialState.FAIL and reason != OUT_OF_TIME else 0
            if failures and (not finished(study) or failures == MOST_FAILURES):
                raise StageFailed(f"trial {frozen.number}: {reason}; the log is {self.folder(frozen) / 'trial.log'}")

    def folder(self, trial: FrozenTrial | optuna.Trial) -> Path:
        """Where a trial leaves its files."""
        return self.out / "trials" / f"{trial.number:04d}"

    def values(self, trial: FrozenTrial) -> dict[str, np.ndarray]:
        """{metric: [N] value of every judged trip} of a trial that came to its end."""
        with np.load(self.folder(trial) / VALUES) as stored:
            return dict(stored)

    def _try(self, trial: optuna.Trial, until: float, report: Report) -> tuple[TrialState, str]:
        """(how it ended, why it failed or was not finished)"""
        folder = self.folder(trial)
        try:
            if self.prepared.screening:
                screening = self._train(trial.params, self.prepared.screening, folder / "screening", until, report)
                trial.report(screening.figures[REGRESSION_METRIC], step=0)
                if trial.should_prune():
                    return TrialState.PRUNED, "below the median after the screening run"
            result = self._train(trial.params, self.prepared.examples, folder, until, report)
        except TimeoutError:
            return TrialState.FAIL, OUT_OF_TIME
        except (SettingsError, StageFailed) as error:
            return TrialState.FAIL, str(error)
        trial.set_user_attr(RESULT, result.model_dump())
        return TrialState.COMPLETE, ""

    def _train(self, values: Values, examples: Path, folder: Path, until: float, report: Report) -> TrialResult:
        """Runs the process of one trial. Raises StageFailed when it fails, TimeoutError when the time is up."""
        settings, progress = folder / SETTINGS, folder / "progress.jsonl"
        write_text(settings, with_values(self.prepared.run, values).to_json())
        progress.unlink(missing_ok=True)
        command = [sys.executable, "-m", "pipelines.tuning.trial", *map(str, (settings, examples, folder))]
        environment = {"AISLE_PROGRESS_FILE": str(progress)}
        with running("trial", command, folder / "trial.log", environment) as process:
            for event in follow(progress, process, until):
                report(event["message"])
            if process.exit_code is None:
                raise TimeoutError
            if process.exit_code:
                raise StageFailed(f"ended with exit code {process.exit_code}: {process.last_lines(1)}")
        return TrialResult.load(folder)


def finished(study: optuna.Study) -> list[FrozenTrial]:
    """The trials that came to their end."""
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def check_identity(out: Path, **parts: str) -> str:
    """The digest of what the study is of, which is left in `out`. Raises InputError where that holds another study."""
    file, mine = out / IDENTITY, combined_digest(parts)
    if not file.exists():
        write_text(file, mine)
    elif file.read_text(encoding="utf-8") != mine:
        raise InputError(f"{out}: expected a study of these data, settings and code, got another; choose another --out")
    return mine
