"""The pages of docs/reference are those of the code."""

from pathlib import Path

import pytest

from model.api import Answer
from model.request_log.reader import SCHEMA
from pipelines.reference import alerts_page, cli_page, metrics_page, pipelines_page, python_page, server_page
from pipelines.reference.__main__ import main, texts
from tests.pipelines.command_line import subcommands
from tests.pipelines.manifests.observability.monitoring_files import ALERTS
from tests.pipelines.manifests.observability.test_names import EXPORTED


@pytest.mark.parametrize(("path", "text"), texts().items(), ids=lambda value: getattr(value, "name", ""))
def test_a_page_is_current(path: Path, text: str) -> None:
    assert path.read_text(encoding="utf-8") == text, "run: python -m pipelines.reference"


def test_the_check_names_a_page_that_is_not_current_and_leaves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "cli.md"
    old.write_text("old")
    monkeypatch.setattr("pipelines.reference.__main__.texts", lambda: {old: "new"})
    assert main(["--check"]) == 1 and old.read_text() == "old"
    assert main([]) == 0 and old.read_text() == "new"
    assert main(["--check"]) == 0
    assert capsys.readouterr().out == f"would change {old}\nwrote {old}\n"


def test_every_command_has_its_help() -> None:
    names = [command.name for command in cli_page.commands()]
    assert len(names) == len(set(names)) and {f"aisle {name}" for name in subcommands()} < set(names)
    assert {"aisle rollout promote", "aisle experiment size"} < set(names)
    assert all("--help" in command.text for command in cli_page.commands())
    assert max(len(line) for command in cli_page.commands() for line in command.text.splitlines()) <= cli_page.WIDTH


def test_every_series_that_the_code_exports_is_on_the_page_with_its_labels() -> None:
    rows = {row.name: row for row in (*metrics_page.server(), *metrics_page.controller(), *metrics_page.jobs())}
    for series, labels in EXPORTED.items():
        name = next(n for n in (series, series.rsplit("_", 1)[0]) if n in rows)
        assert set(rows[name].labels.replace("`", "").split(", ")) - {""} == labels - {"le"}, series
    assert rows["aisle_request_seconds"].kind == "histogram" and rows["aisle_rollout_leader"].kind == "gauge"
    assert all(row.meaning.endswith(".") for row in rows.values())
    assert rows["aisle_contract_violations_total"].meaning.endswith(
        "`kind`: `shape`, `long`, `duplicate`, `score`, `unknown_item`, `excluded`, `rule`, `short`."
    )


def test_every_alert_is_on_the_page_and_leads_to_its_entry_in_the_runbook() -> None:
    alerts = alerts_page.alerts()
    assert {alert.name for alert in alerts} == {alert.name for alert in ALERTS}
    runbook = (alerts_page.DOCS / "runbook.md").read_text(encoding="utf-8").lower()
    assert all(alert.entry and alert.entry in runbook.replace("#", "") for alert in alerts)


def test_steps_and_parameters_of_a_pipeline_are_those_of_the_graph() -> None:
    cluster = next(pipeline for pipeline in pipelines_page.pipelines() if pipeline.name == "aisle-cluster")
    order = [cluster.steps.index(name) for name in ("Stable model", "Ingest", "Train (TFRS)", "Gate", "Push")]
    assert order == sorted(order)
    assert cluster.steps[-3:] == ["Release as canary", "Why the model was rejected", "How it ended"]
    parameters = {parameter.name: parameter.default for parameter in cluster.parameters}
    assert (parameters["recipe"], parameters["data"], parameters["canary_percent"]) == ("`full`", "empty", "`10`")


def test_fields_and_methods_of_an_answer_are_those_of_the_class() -> None:
    answer = next(described for described in python_page.classes() if described.name == "Answer")
    assert [part.signature.partition(":")[0] for part in answer.parts] == list(Answer.__dataclass_fields__)
    assert "filled: int = 0" in [part.signature for part in answer.parts]
    assert answer.example.startswith(">>> answer = Answer(")


def test_every_column_of_the_request_log_is_on_the_page_and_no_other() -> None:
    assert list(server_page.MEANINGS) == SCHEMA.names
    columns = {column.name: column for column in server_page.columns()}
    assert (columns["item_ids"].type, columns["item_ids"].in_detail) == ("list of string", False)
    assert columns["history_times"].in_detail and columns["history_times"].type == "list of int64"


def test_options_of_a_server_have_their_defaults() -> None:
    options = {option.flag: option for option in server_page.options()}
    assert (options["--log-roll-s"].default, options["--deadline-ms"].default) == (60.0, 50.0)
    assert options["--store"].required and options["--rules"].default is None
