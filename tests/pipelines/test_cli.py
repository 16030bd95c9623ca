"""The command line without a run: help, the compiled pipeline, what a cache key depends on."""

import shutil
from importlib.metadata import version
from pathlib import Path

import pytest

from components.kfp_support.program_version import ROOT, code_version
from model.errors import InputError
from pipelines.cli import main
from pipelines.commands.rollout import app as rollout
from pipelines.definitions.compile import compile_all
from pipelines.local.versions import data_version
from tests.worlds import market, write
from tfx_configs.settings import DataSettings

COMMANDS = [(), ("demo",), ("train",), ("report",), ("serve",), ("replay",), ("explore",), ("compile",), ("tune",)]
COMMANDS += [("rollout",), ("submit",), ("monitor",), ("settings",), ("inspect",)]
COMMANDS += [("experiment",), ("experiment", "size"), ("experiment", "read")]
COMMANDS += [("rollout", str(action.name or action.callback.__name__)) for action in rollout.registered_commands]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--help"]) == 0
    assert capsys.readouterr().out.startswith(" ".join(("Usage: aisle", *command)))


def test_every_line_of_the_help_of_aisle_is_a_whole_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    commands = capsys.readouterr().out.partition("Commands:")[2].splitlines()
    assert len(commands) > 10 and not [line for line in commands if line.endswith("...")]


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"{version('aisle')}\n"


def test_the_shell_completes_commands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name, value in {"_AISLE_COMPLETE": "complete_bash", "COMP_WORDS": "aisle de", "COMP_CWORD": "1"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        main([])
    assert capsys.readouterr().out.split() == ["demo"]


def test_a_missing_command_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert capsys.readouterr().err == "aisle: Missing command; see `aisle --help`\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--override", ""), "expected a reason of at least 20 characters, got ''"),
        (("--override", "  asked for  "), "expected a reason of at least 20 characters, got 'asked for'"),
        (("--override", "the size is known", "--override-by", "maria"), "expected a reason of at least 20 characters"),
        (("--override-by", "maria"), "expected --override REASON with --override-by, got none"),
    ],
)
def test_an_override_that_the_gate_would_refuse_is_refused_before_anything_runs(
    arguments: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", *arguments, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("aisle: ") and message in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("sideways", "'--start': 'sideways' is not one of 'scratch', 'refresh', 'warm'; see `aisle train --help`"),
        ("refresh", "train.start refresh: expected a stable model that was trained in"),
    ],
)
def test_a_start_that_cannot_be_is_one_line_before_anything_runs(
    start: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "data", **market(shoppers=2))
    assert main(["train", "--start", start, "--data", str(tmp_path / "data"), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "out" / "pipeline").exists()


def test_the_compiled_pipeline_is_up_to_date() -> None:
    assert compile_all(ROOT / "pipelines" / "compiled", check=True) == []


def test_a_changed_golden_is_reported_and_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(ROOT / "pipelines" / "compiled", tmp_path, dirs_exist_ok=True)
    golden = tmp_path / "training.yaml"
    golden.write_text("# changed\n")
    assert main(["compile", "--check", "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().out == f"would change {golden}\n"
    assert golden.read_text() == "# changed\n"
    assert main(["compile", "--out", str(tmp_path)]) == 0
    assert main(["compile", "--check", "--out", str(tmp_path)]) == 0


def test_a_file_in_the_place_of_the_output_directory_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "in"):
        assert main(["compile", "--out", str(out)]) == 2
        assert f"--out: expected a directory to write to, got {out}" in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "mine"


def test_the_code_version_is_the_same_twice() -> None:
    assert code_version() == code_version()


def test_the_data_version_follows_the_files_content(tmp_path: Path) -> None:
    data = DataSettings(source="canonical", path=str(tmp_path))
    (tmp_path / "events.parquet").write_bytes(b"one")
    (tmp_path / "notes.txt").write_bytes(b"not data")
    first = data_version(data)
    (tmp_path / "notes.txt").unlink()
    assert data_version(data) == first
    (tmp_path / "events.parquet").write_bytes(b"two")
    assert data_version(data) != first


def test_the_version_of_data_that_is_not_there_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a directory with events\.parquet"):
        data_version(DataSettings(source="canonical", path=str(tmp_path / "nowhere")))
