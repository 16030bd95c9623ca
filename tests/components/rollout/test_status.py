from pathlib import Path

import pytest

from components.rollout.status import FILE, Status, read_status, write_status
from model.errors import InputError


def test_a_status_comes_back_as_it_was_written(tmp_path: Path) -> None:
    status = Status(stable="v1", canary="v2", percent=10, state="running", steps=({"requests": 5},))
    status = status.noting("promoted", state="promoted", percent=100)
    write_status(tmp_path, status)
    assert read_status(tmp_path) == status
    assert [line["event"] for line in status.history] == ["promoted"]


def test_no_status_and_a_broken_one_are_input_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="run a rollout first"):
        read_status(tmp_path)
    (tmp_path / FILE).write_text("{}")
    with pytest.raises(InputError, match="is not a rollout's status"):
        read_status(tmp_path)
