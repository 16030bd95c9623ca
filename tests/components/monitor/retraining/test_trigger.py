"""From the policy's decision to one run, and from its end to the record, with kills in between."""

from pathlib import Path

import pytest

from components.artifacts.monitor_report import Evidence
from components.monitor.retraining import training_runs as record
from components.monitor.retraining.policy import TrainingRun
from components.monitor.retraining.trigger import RunStatus, retrain
from model.errors import StageFailed
from model.registry.model_registry import Registry
from tests.components.push.outcomes import push_outcome
from tests.worlds import seconds
from tfx_configs.monitoring import RetrainSettings, Training
from tfx_configs.units import DAY_S

MONDAY = seconds(0) + 3 * 3600
"""Three in the morning: a run from scratch has been due for an hour."""
HOUR_S = 3600
DUE = Evidence(data_until_s=MONDAY, trained_until_s=seconds(-28))
SETTINGS = RetrainSettings()


class Memory:
    """Runs in memory, active until a test ends them. `dies`: before or after the run begins."""

    def __init__(self) -> None:
        self.runs: dict[str, bool | None] = {}
        self.starts: list[tuple[str, Training]] = []
        self.dies = ""

    def find(self, name: str) -> RunStatus | None:
        return RunStatus(id=f"id of {name}", ok=self.runs[name]) if name in self.runs else None

    def start(self, name: str, start: Training) -> str:
        if self.dies == "before":
            raise StageFailed("killed")
        assert name not in self.runs
        self.runs[name] = None
        self.starts.append((name, start))
        if self.dies == "after":
            raise StageFailed("killed")
        return f"id of {name}"


class Place:
    """A record, a registry and a trainer."""

    def __init__(self, root: Path) -> None:
        self.path, self.registry, self.trainer = root / "runs.json", Registry(root / "registry"), Memory()

    def retrain(self, now_s: float, evidence: Evidence = DUE) -> str:
        """The name of what was started."""
        return retrain(
            record=self.path,
            registry=self.registry,
            settings=SETTINGS,
            evidence=evidence,
            now_s=now_s,
            trainer=self.trainer,
        ).run

    def end(self, ok: bool, blessed: bool | None = None) -> None:
        name = self.newest().name
        self.trainer.runs[name] = ok
        if blessed is not None:
            push_outcome(blessed=blessed).write(self.registry.outcome(name))

    def newest(self) -> TrainingRun:
        return record.read(self.path)[-1]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_what_is_due_is_started_once_with_its_reason_and_its_start(place: Place) -> None:
    name = place.retrain(MONDAY)
    assert place.trainer.starts == [(name, "scratch")]
    assert name.startswith("aisle-scratch-") and name.endswith("T030000Z")
    run = place.newest()
    assert (run.id, run.ok, run.reasons[0]) == (f"id of {name}", None, "weekly: due since 1.0 h")
    assert [place.retrain(MONDAY + n * HOUR_S) for n in range(1, 6)] == [""] * 5


@pytest.mark.parametrize(
    ("ok", "verdict", "blessed"), [(True, True, True), (True, False, False), (False, None, None), (False, True, True)]
)
def test_the_end_of_a_run_and_its_verdict_are_recorded(
    place: Place, ok: bool, verdict: bool | None, blessed: bool | None
) -> None:
    place.retrain(MONDAY)
    place.end(ok, verdict)
    place.retrain(MONDAY + HOUR_S)
    assert (place.newest().ok, place.newest().blessed) == (ok, blessed)


@pytest.mark.parametrize("dies", ["before", "after"])
def test_killed_between_record_and_start_or_start_and_record_there_is_one_run(place: Place, dies: str) -> None:
    place.trainer.dies = dies
    with pytest.raises(StageFailed):
        place.retrain(MONDAY)
    assert (place.newest().id, place.newest().ok) == ("", None)
    place.trainer.dies = ""
    for hour in (1, 2):
        place.retrain(MONDAY + hour * HOUR_S)
    (run,) = record.read(place.path)
    assert place.trainer.starts == [(run.name, "scratch")]
    assert (run.id, run.began_s) == (f"id of {run.name}", MONDAY)


def test_a_run_that_could_not_be_started_for_half_a_day_gives_way_to_a_new_decision(place: Place) -> None:
    place.trainer.dies = "before"
    with pytest.raises(StageFailed):
        place.retrain(MONDAY)
    place.trainer.dies = ""
    assert place.retrain(MONDAY + 13 * HOUR_S) == ""  # cool-down
    assert place.retrain(MONDAY + 21 * HOUR_S).endswith("T000000Z")
    assert len(place.trainer.starts) == 1


def test_a_run_that_was_deleted_counts_as_failed(place: Place) -> None:
    name = place.retrain(MONDAY)
    del place.trainer.runs[name]
    assert place.retrain(MONDAY + HOUR_S) == ""
    assert place.newest().ok is False


def test_after_an_outage_of_a_month_one_run_makes_up_for_all(place: Place) -> None:
    place.retrain(MONDAY)
    place.end(True, True)
    back_s = MONDAY + 30 * DAY_S  # a Wednesday
    evidence = DUE.model_copy(update={"data_until_s": back_s})
    first = place.retrain(back_s, evidence)
    place.end(True, True)
    later = [place.retrain(back_s + hour * HOUR_S, evidence) for hour in range(1, 20)]
    assert first.startswith("aisle-scratch-") and later == [""] * 19


def test_a_week_of_hours_is_one_run_from_scratch_and_six_refreshes(place: Place) -> None:
    for hour in range(7 * 24 - 1):
        now_s = MONDAY + hour * HOUR_S
        if place.retrain(now_s, DUE.model_copy(update={"data_until_s": now_s})):
            place.end(True, True)
    assert [start for _, start in place.trainer.starts] == ["scratch"] + ["refresh"] * 6


def test_what_an_operator_requests_waits_for_nothing_but_an_active_run(place: Place) -> None:
    asked = DUE.model_copy(update={"asked": "refresh"})
    place.retrain(MONDAY)
    assert place.retrain(MONDAY + 1, asked) == ""
    place.end(False)
    assert place.retrain(MONDAY + 2, asked).startswith("aisle-refresh-")
