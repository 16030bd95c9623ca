from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from components.rollout.local.status_file import FILE, Status, begin, change, read_status
from model.errors import CheckFailed, InputError

STATUS = Status(stable="v1", canary="v2", percent=10, state="running", steps=({"requests": 5},))


def test_a_status_comes_back_as_it_was_written(tmp_path: Path) -> None:
    begun = begin(tmp_path, STATUS)
    assert begun.generation == 1
    status = change(tmp_path, lambda now: now.noting("promoted", state="promoted", percent=100))
    assert read_status(tmp_path) == status
    assert (status.generation, status.state, status.percent) == (2, "promoted", 100)
    assert [line["event"] for line in status.history] == ["promoted"]


def test_what_was_decided_on_an_older_generation_is_refused_and_not_done(tmp_path: Path) -> None:
    seen = begin(tmp_path, STATUS)
    change(tmp_path, lambda now: now.noting("rollback by maria", state="rolled_back", percent=0))
    done = []
    with pytest.raises(CheckFailed, match="'rollback by maria' happened in between, so nothing was done"):
        change(tmp_path, lambda now: done.append(1) or now, expected=seen.generation)  # type: ignore[func-returns-value]
    assert done == []
    assert read_status(tmp_path).state == "rolled_back"


def test_of_operators_who_saw_the_same_exactly_one_may_act(tmp_path: Path) -> None:
    seen = begin(tmp_path, STATUS)

    def operate(name: int) -> bool:
        try:
            change(tmp_path, lambda now: now.noting(f"by {name}"), expected=seen.generation)
        except CheckFailed:
            return False
        return True

    with ThreadPoolExecutor(8) as operators:
        assert sum(operators.map(operate, range(8))) == 1
    assert len(read_status(tmp_path).history) == 1


def test_a_move_that_fails_changes_nothing(tmp_path: Path) -> None:
    begun = begin(tmp_path, STATUS)

    def fail(_: Status) -> Status:
        raise InputError("no")

    with pytest.raises(InputError, match="no"):
        change(tmp_path, fail)
    assert read_status(tmp_path) == begun


def test_a_rollout_under_way_makes_no_room_for_another_versions(tmp_path: Path) -> None:
    begin(tmp_path, STATUS)
    other = Status(stable="v1", canary="v3", percent=10, state="running")
    with pytest.raises(InputError, match="the one of v2 is still running; promote it or roll it back first"):
        begin(tmp_path, other)
    change(tmp_path, lambda now: now.noting("rollback", state="rolled_back"))
    assert begin(tmp_path, other).generation == 3


def test_no_status_and_a_broken_one_are_input_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="run a rollout first"):
        read_status(tmp_path)
    (tmp_path / FILE).write_text("{}")
    with pytest.raises(InputError, match="is not a rollout's status"):
        read_status(tmp_path)
