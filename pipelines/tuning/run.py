"""`aisle tune` from the data to the chosen settings."""

from pathlib import Path

from optuna.trial import FrozenTrial

from components.kfp_support.program_version import code_version
from components.reporting.html_page import render
from components.tracking.servers import Servers
from model.files import write_text
from pipelines.local.display import Display
from pipelines.local.run_directory import alone
from pipelines.local.versions import data_version
from pipelines.tuning.page import lead_words, page
from pipelines.tuning.preparation import prepare
from pipelines.tuning.result import CHOSEN, StudyResult, study_result, write_chosen
from pipelines.tuning.space import NAMES
from pipelines.tuning.study import Tuning, check_identity, finished
from pipelines.tuning.trackers import log_earlier, tracked_trial
from pipelines.tuning.trial import run_trial
from tfx_configs.evaluation import REGRESSION_METRIC
from tfx_configs.settings import RunSettings
from tfx_configs.tracking import TrackingSettings

PAGE = "tune.html"
DATA, TRIALS = "data", "trials"


def run_once(run: RunSettings, out: Path) -> dict[str, float]:
    """{metric: value} of one trial with the settings as they are. Raises what `run_study` raises."""
    with alone(out):
        prepared = prepare(run, out)
        return run_trial(prepared.run, prepared.examples, out).figures


def run_study(run: RunSettings, out: Path, minutes: float, seed: int) -> tuple[StudyResult, Path, Path]:
    """Continues the study in `out`; returns what it found, the chosen settings' file, and the page.

    Raises:
        InputError: `out` holds another study, or the data cannot be split.
        CheckFailed: the data are not fit to be learned from.
        StageFailed: trials fail whatever is tried.
    """
    with alone(out), Display((DATA, TRIALS)) as display:
        identity = check_identity(
            out,
            settings=run.replace(tracking=TrackingSettings()).to_json(),
            data=data_version(run.data),
            code=code_version(),
            space=" ".join(NAMES),
            seed=str(seed),
        )
        display.start(DATA, "tables and examples before the test span")
        prepared = prepare(run, out)
        display.end(DATA, message=f"judged from {prepared.cut} to before {prepared.end}")
        tuning = Tuning(out=out, prepared=prepared, seed=seed)
        display.start(TRIALS)
        study, servers = tuning.open(), Servers.of(run.tracking)
        log_earlier(servers, study, identity)
        so_far: list[str] = []

        def ended(trial: FrozenTrial) -> None:
            value = f"{trial.value:.4f}" if trial.value is not None else trial.state.name.lower()
            so_far[:] = [f"{trial.number + 1} trials, best {study.best_value:.4f}"] if finished(study) else []
            display.say(TRIALS, ", ".join([f"trial {trial.number}: {REGRESSION_METRIC} {value}", *so_far]))
            servers.log(tracked_trial(trial, identity))

        tuning.run(study, minutes, lambda message: display.say(TRIALS, ", ".join([*so_far, message])), ended)
        result = study_result(tuning, study)
        display.end(TRIALS, message=f"{len(result.trials)} trials, {lead_words(result)}")
        result.save(out)
        write_chosen(tuning, result, out / CHOSEN)
        write_text(out / PAGE, render(page(result)))
        return result, out / CHOSEN, out / PAGE
