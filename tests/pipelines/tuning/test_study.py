"""The study's rules, with trials that train nothing: what ends one, what goes on, what is chosen."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from components.tracking.servers import Servers
from model.errors import InputError, StageFailed
from pipelines.tuning.preparation import Prepared
from pipelines.tuning.result import StudyResult, study_result
from pipelines.tuning.space import NAMES, Values, values_of
from pipelines.tuning.study import MOST_FAILURES, Tuning, check_identity, finished
from pipelines.tuning.trackers import log_earlier
from pipelines.tuning.trial import VALUES, TrialResult
from tests.components.tracking.fake_servers import FakeMlflow, listening
from tfx_configs.settings import RunSettings
from tfx_configs.tracking import TrackingSettings

Score = Callable[[Values, bool], float]


def tuning_in(out: Path, screening: bool = False) -> Tuning:
    prepared = Prepared(
        examples=out / "whole", screening=out / "screening" if screening else None, cut="a", end="b", run=RunSettings()
    )
    out.mkdir(exist_ok=True)
    clock = iter(range(10**6))
    return Tuning(out=out, prepared=prepared, seed=1, clock=lambda: float(next(clock)))


def search(
    tuning: Tuning, monkeypatch: pytest.MonkeyPatch, score: Score, trials: int
) -> tuple[optuna.Study, list[FrozenTrial]]:
    """Continues until so many trials have ended; `score`: of settings, and whether it is the screening run."""

    def train(self: Tuning, values: Values, examples: Path, folder: Path, until: float, say: object) -> TrialResult:
        value = score(values, examples.name == "screening")
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(folder / VALUES, **{"ndcg@10": np.array([value, value])})
        return TrialResult(figures={"ndcg@10": value, "recall@10": value / 2}, trips=2, seconds=1.0)

    ended: list[FrozenTrial] = []
    monkeypatch.setattr(Tuning, "_train", train)
    study = tuning.open()
    # The clock of these tests goes on by a second a trial.
    tuning.run(study, trials / 60, lambda message: None, ended.append)
    return study, ended


def by_dimension(values: Values, screening: bool) -> float:
    dimension = values["train.dimension"]
    assert isinstance(dimension, int)
    return dimension / 100


def test_the_first_trial_has_the_settings_as_they_are_and_the_best_is_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuning = tuning_in(tmp_path)
    study, _ = search(tuning, monkeypatch, by_dimension, 20)
    result = study_result(tuning, study)
    assert (result.base.number, result.base.changed, result.base.figures["ndcg@10"]) == (0, {}, 0.32)
    assert result.chosen.changed["train.dimension"] == 64
    assert result.delta_pct == pytest.approx(100.0)  # .64 over .32
    assert result.running_best()[-1][1] == 0.64
    assert set(result.by_value()["train.dimension"]["16"]) == {0.16}
    assert StudyResult.load(result.save(tmp_path).parent) == result


def test_a_study_goes_on_where_it_was_ended_and_tries_again_what_was_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuning = tuning_in(tmp_path)
    search(tuning, monkeypatch, by_dimension, 3)
    interrupted = tuning.open().ask()  # of a process that was killed
    study, ended = search(tuning, monkeypatch, by_dimension, 2)
    assert study.trials[interrupted.number].state == TrialState.FAIL
    assert ended[0].number == interrupted.number + 1
    assert [trial.params for trial in study.trials].count(values_of(RunSettings())) == 1


def test_a_screening_run_below_the_median_ends_a_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tuning = tuning_in(tmp_path, screening=True)
    study, _ = search(tuning, monkeypatch, by_dimension, 30)
    pruned = study.get_trials(states=(TrialState.PRUNED,))
    assert pruned and all(trial.params["train.dimension"] < 64 for trial in pruned)
    assert all(trial.number >= 4 for trial in pruned)
    states = {trial.number: trial.state for trial in study_result(tuning, study).trials}
    assert all(states[trial.number] == "pruned" for trial in pruned)


def test_settings_that_fail_are_one_failed_trial_and_many_in_a_row_end_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails_at_64(values: Values, screening: bool) -> float:
        if values["train.dimension"] == 64:
            raise StageFailed("ended with exit code 1: out of memory")
        return by_dimension(values, screening)

    tuning = tuning_in(tmp_path / "some")
    study, ended = search(tuning, monkeypatch, fails_at_64, 8)
    failed = [trial for trial in ended if trial.state == TrialState.FAIL]
    assert failed and study_result(tuning, study).chosen.figures["ndcg@10"] == 0.32
    assert all("out of memory" in trial.user_attrs["reason"] for trial in failed)

    calls: list[Values] = []

    def fails_after_the_first(values: Values, screening: bool) -> float:
        calls.append(values)
        if len(calls) > 1:
            raise StageFailed("ended with exit code 1: no space left on device")
        return 0.1

    with pytest.raises(StageFailed, match="no space left"):
        search(tuning_in(tmp_path / "all"), monkeypatch, fails_after_the_first, 100)
    assert len(calls) == 1 + MOST_FAILURES


def test_the_time_ends_a_trial_but_never_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def out_of_time(values: Values, screening: bool) -> float:
        if values != values_of(RunSettings()):
            raise TimeoutError
        return 0.1

    tuning = tuning_in(tmp_path)
    study, ended = search(tuning, monkeypatch, out_of_time, 3)
    assert len(finished(study)) == 1 and ended[-1].user_attrs["reason"] == "the time was up"
    result = study_result(tuning, study)
    assert (result.best, result.delta_pct) == (0, 0.0)


def test_each_trial_is_logged_once_with_what_it_tried_and_why_it_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails_after_the_first(values: Values, screening: bool) -> float:
        if values != values_of(RunSettings()):
            raise StageFailed("out of memory")
        return 0.25

    study, _ = search(tuning_in(tmp_path), monkeypatch, fails_after_the_first, 3)
    fake = FakeMlflow()
    with listening(fake) as url:
        servers = Servers.of(TrackingSettings(mlflow=url, name="shop"))
        for _ in range(2):
            log_earlier(servers, study, "0123456789abcdef")
    assert list(fake.experiments) == ["shop-tune"]
    done, failed = fake.runs
    assert [run["info"]["run_name"] for run in fake.runs] == ["0123456789ab-0000", "0123456789ab-0001"]
    assert [run["info"]["status"] for run in fake.runs] == ["FINISHED", "FAILED"]
    assert done["info"]["start_time"] <= done["info"]["end_time"]
    params = {each["key"]: each["value"] for each in done["data"]["params"]}
    assert (params["train.dimension"], params["train.query"], len(params)) == ("32", '"auto"', len(NAMES))
    metrics = {each["key"]: each["value"] for each in done["data"]["metrics"]}
    assert metrics == {"ndcg_at_10": 0.25, "recall_at_10": 0.125}
    tags = {each["key"]: each["value"] for each in failed["data"]["tags"]}
    assert tags == {"study": "0123456789ab", "trial": "1", "state": "failed", "reason": "out of memory"}


def test_a_directory_with_another_study_is_refused(tmp_path: Path) -> None:
    check_identity(tmp_path, data="one", code="c")
    check_identity(tmp_path, data="one", code="c")
    with pytest.raises(InputError, match="choose another --out"):
        check_identity(tmp_path, data="two", code="c")
