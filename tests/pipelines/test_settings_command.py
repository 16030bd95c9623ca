"""`aisle settings`, its page, and the settings that commands take from a file and from `--set`."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli import main
from pipelines.commands import runs
from pipelines.reference import settings_page
from tfx_configs.settings import RunSettings


def test_the_page_is_that_of_the_code() -> None:
    page = settings_page.PAGE.read_text(encoding="utf-8")
    message = "run: python -m pipelines.reference.settings_page"
    assert page == settings_page.filled(page, settings_page.sections()), message


def test_every_setting_says_what_it_means() -> None:
    assert [setting["name"] for setting in settings_page.all_settings() if not setting["meaning"].endswith(".")] == []


def test_all_settings_are_printed_and_are_json_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings"]) == 0
    table = capsys.readouterr().out
    assert main(["settings", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert all(name in table for name in rows)
    assert rows["data.sample_percent"] == {
        "name": "data.sample_percent",
        "default": 100.0,
        "expected": "float, above 0, at most 100",
        "meaning": "Share of shoppers in the run, chosen by a hash of the user id, percent.",
    }
    tree: dict[str, Any] = {}
    for name, row in rows.items():
        section, _, field = name.rpartition(".")
        (tree.setdefault(section, {}) if section else tree)[field] = row["default"]
    assert {"monitor", "retrain"} <= set(tree)
    assert RunSettings.from_dict({k: v for k, v in tree.items() if k not in ("monitor", "retrain")}) == RunSettings()


@pytest.mark.parametrize("command", ["demo", "train"])
@pytest.mark.parametrize(
    "text", ["train: {dimension: 16}\ndata: {cut_date: 2017-12-04}\n", '{"train": {"dimension": 16}}']
)
def test_a_run_takes_its_settings_from_a_file_and_from_set(
    command: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text(text)
    ran: list[RunSettings] = []

    def stop(**options: Any) -> RunSettings:
        ran.append(run_settings(**options))
        raise KeyboardInterrupt

    run_settings = runs.run_settings
    monkeypatch.setattr(runs, "run_settings", stop)
    arguments = ["--config", str(tmp_path / "config"), "--set", "train.temperature=0.2", "--data", "mine"]
    assert main([command, *arguments, "--out", str(tmp_path / "out")]) == 130
    assert (ran[0].train.dimension, ran[0].train.temperature) == (16, 0.2)
    assert ran[0].data.path == str(Path("mine").resolve()) and ran[0].data.source == "canonical"


@pytest.mark.parametrize("command", ["demo", "train", "submit"])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot read it (No such file or directory)"),
        ("train: [", "while parsing a flow node"),
        ("train", "setting RunSettings: expected an object, got 'train'"),
        ("trian: {}", "setting trian: unknown in RunSettings; it has data, validation,"),
        ("train: {dimension: 16, width: 3}", "setting train.width: unknown in TrainSettings; it has start,"),
        ("train: {dimension: '16'}", "setting train.dimension: expected int, 4 to 512, got '16'"),
        ("train: {dimension: yes}", "setting train.dimension: expected int, 4 to 512, got True"),
        ("data:", "setting data: expected an object, got None"),
    ],
)
def test_a_config_that_cannot_be_is_one_line_before_anything_runs(
    command: str, text: str | None, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.yaml"
    if text is not None:
        config.write_text(text)
    out = [] if command == "submit" else ["--out", str(tmp_path / "out")]
    assert main([command, "--config", str(config), *out]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"aisle: --config: expected RunSettings as JSON or YAML in {config}: ")
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_change_that_cannot_be_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--set", "train.dimension=2"]) == 2
    assert capsys.readouterr().err == "aisle: setting train.dimension: expected int, 4 to 512, got 2\n"
