"""What `make kind-up` asks of a machine."""

import pytest

from model.errors import InputError
from pipelines import kind


def test_a_missing_program_is_named_with_its_fix(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("PATH", "")
    assert kind.main(["up"]) == 2
    assert capsys.readouterr().err.startswith("aisle: expected docker on the PATH, not found; install Docker Engine")


def test_too_little_memory_is_told_in_numbers() -> None:
    kind.check_memory("MemTotal: 32000000 kB\nMemAvailable: 14500000 kB\n")
    with pytest.raises(InputError, match=r"expected 14 GB of free memory, found 8\.0"):
        kind.check_memory("MemTotal: 16000000 kB\nMemAvailable: 8000000 kB\n")


def test_nothing_is_removed_where_there_is_no_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert kind.main(["down"]) == 0
