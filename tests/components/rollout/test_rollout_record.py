from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from components.rollout.decision.states import State
from components.rollout.rollout_record import RolloutRecord, StepRecord, begin, change
from model.errors import CheckFailed, InputError
from tests.pipelines.report.report_world import step

RECORD = RolloutRecord(
    stable_before="v1", candidate="v2", percent=10, steps=(StepRecord.model_validate(step(10)),), started_s=5.0
)


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    begun = begin(tmp_path, RECORD)
    assert begun.generation == 1
    record = change(tmp_path, lambda now: now.noting("promoted", state=State.PROMOTED, percent=100))
    assert RolloutRecord.load(tmp_path) == record
    assert (record.generation, record.state, record.percent) == (2, State.PROMOTED, 100)
    assert [entry.event for entry in record.history] == ["promoted"]


def test_what_was_decided_on_an_older_generation_is_refused_and_not_done(tmp_path: Path) -> None:
    begun = begin(tmp_path, RECORD)
    change(tmp_path, lambda now: now.noting("rollback by maria", state=State.ROLLED_BACK, percent=0))
    done = []
    with pytest.raises(CheckFailed, match="'rollback by maria' happened in between, so nothing was done"):
        change(tmp_path, lambda now: done.append(1) or now, expected=begun.generation)  # type: ignore[func-returns-value]
    assert done == []
    assert RolloutRecord.load(tmp_path).state == "rolled_back"


def test_of_operators_with_the_same_generation_exactly_one_may_act(tmp_path: Path) -> None:
    begun = begin(tmp_path, RECORD)

    def operate(name: int) -> bool:
        try:
            change(tmp_path, lambda now: now.noting(f"by {name}"), expected=begun.generation)
        except CheckFailed:
            return False
        return True

    with ThreadPoolExecutor(8) as operators:
        assert sum(operators.map(operate, range(8))) == 1
    assert len(RolloutRecord.load(tmp_path).history) == 1


def test_a_move_that_fails_changes_nothing(tmp_path: Path) -> None:
    begun = begin(tmp_path, RECORD)

    def fail(_: RolloutRecord) -> RolloutRecord:
        raise InputError("no")

    with pytest.raises(InputError, match="no"):
        change(tmp_path, fail)
    assert RolloutRecord.load(tmp_path) == begun


def test_an_active_rollout_makes_no_room_for_another_versions(tmp_path: Path) -> None:
    begin(tmp_path, RECORD)
    other = RolloutRecord(stable_before="v1", candidate="v3", percent=10)
    with pytest.raises(InputError, match="the one of v2 is still running; promote it or roll it back first"):
        begin(tmp_path, other)
    change(tmp_path, lambda now: now.noting("rollback", state=State.ROLLED_BACK))
    assert begin(tmp_path, other).generation == 3


def test_no_record_and_a_broken_one_are_input_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="run rollout first"):
        RolloutRecord.load(tmp_path)
    (tmp_path / RolloutRecord.FILE).write_text("{}")
    with pytest.raises(InputError, match=r"rollout.json: candidate: Field required; run rollout again"):
        RolloutRecord.load(tmp_path)
