"""A processor older than what kernels are compiled for is refused in one line, not by a signal in a request."""

from pathlib import Path

import pytest

from model.errors import StageFailed
from model.kernels import processor
from model.kernels.processor import FLAGS, check_processor
from model.serving import server
from pipelines import cli


def test_a_processor_with_all_of_it_passes() -> None:
    check_processor(FLAGS | {"avx512f"})


@pytest.mark.parametrize("flag", sorted(FLAGS))
def test_one_that_lacks_something_is_refused(flag: str) -> None:
    with pytest.raises(StageFailed, match=f"x86-64-v3.* lacks {flag};"):
        check_processor(FLAGS - {flag})


def test_the_flags_are_those_of_the_baseline() -> None:
    """Linux calls LLVM's lzcnt abm, and its bmi bmi1."""
    named = {{"abm": "lzcnt", "bmi1": "bmi"}.get(flag, flag) for flag in FLAGS}
    assert {f"+{flag}" for flag in named} == set(processor.BASELINE[1].split(","))


def test_the_server_and_the_command_ask_when_they_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(processor, "FLAGS", FLAGS | {"wings"})
    assert server.main(["--model-dir", str(tmp_path), "--store", str(tmp_path / "store")]) == 1
    assert cli.main(["settings"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("aisle server: kernels: expected a processor") and "lacks wings" in lines[0]
    assert lines[1].startswith("aisle: kernels: expected a processor")
