"""`aisle serve` on bad input: one line before any server is started. What it serves is in test_demo.py."""

from pathlib import Path

import pytest

from model.package.manifest import write_manifest
from model.registry.model_registry import Registry
from pipelines.cli import main
from tests.model.serving.fake_server import write_model


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A registry with a stable model, and files to name: mine is one, rules.json is no rules file."""
    directory, registry = write_model(tmp_path / "one", "one"), Registry(tmp_path / "run" / "registry")
    write_manifest(directory, kind="fake", cut_s=0, items=0, retrieved=0, ranked=0, index={})
    registry.set_stable(registry.add(directory))
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "rules.json").write_text("[]")
    return tmp_path / "run"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rules", "nowhere.json"], "nowhere.json: expected a rules file"),
        (["--rules", "rules.json"], "rules.json: expected a rules file"),
        (["--rules", "."], "expected a rules file"),
        (["--request-log", "mine"], "--request-log: expected a directory to write to, got mine (mine is a file)"),
        (["--http-port", "99999"], "--http-port: expected a free port, 99999 is taken or not a port"),
        (["--http-port", "18975", "--grpc-port", "18975"], "--grpc-port: expected another port than --http-port"),
    ],
)
def test_bad_input_is_reported_in_one_line(
    run: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(run.parent)
    assert main(["serve", "--run", "run", *arguments]) == 2
    output = capsys.readouterr()
    assert message in output.err and output.err.count("\n") == 1 and output.out == ""
    assert [path.name for path in run.iterdir()] == ["registry"]


def test_a_damaged_model_is_reported_in_one_line(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    registry = Registry(run / "registry")
    (registry.path(str(registry.state().stable)) / "more").write_text("more")
    assert main(["serve", "--run", str(run)]) == 2
    error = capsys.readouterr().err
    assert "/more: not in the manifest" in error and error.count("\n") == 1
