"""The runbook has an entry for each alert, and its commands name metrics, objects and links that exist."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from model.system.programs import find_program
from pipelines.kubectl_aisle import app
from pipelines.manifests.render import ROOT
from tests.manifests.overlays import build, objects
from tests.pipelines.command_line import parse
from tests.pipelines.manifests.observability.exported import EXPORTED, FROM_ELSEWHERE, SCRAPE, series
from tests.pipelines.manifests.observability.monitoring_files import ALERTS, BOARDS, RECORDS, Alert

RUNBOOK = (ROOT.parent / "docs" / "runbook.md").read_text(encoding="utf-8")
NAMES = {alert.name for alert in ALERTS}
PARTS = ("**Symptom** ", "**Check**", "**Do**", "**Done when** ")
QUERIES = sorted(set(re.findall(r"\bask '([^']+)'", RUNBOOK)))
DOCS, GRAFANA = "docs.example.com", "grafana.example.com"
MARKED = {DOCS: "docs.shop.example/aisle", GRAFANA: "boards.shop.example"}


def _entry(name: str) -> str:
    return RUNBOOK.split(f"### {name}\n")[1].split("\n### ")[0].split("\n## ")[0]


def test_the_runbook_has_an_entry_for_every_alert_and_for_no_other() -> None:
    entries = re.findall(r"^### (Aisle\w+)$", RUNBOOK, re.M)
    assert len(entries) == len(set(entries)) and set(entries) == NAMES
    assert set(re.findall(r"\bAisle[A-Z]\w+", RUNBOOK)) == NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_an_entry_has_symptom_check_action_and_the_sign_of_success_in_this_order(name: str) -> None:
    entry = _entry(name)
    assert [entry.count(part) for part in PARTS] == [1, 1, 1, 1]
    assert sorted(PARTS, key=entry.index) == list(PARTS)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: f"{alert.name} {alert.labels.window}")
def test_an_alert_links_to_its_entry_and_to_a_board_in_its_namespace(alert: Alert) -> None:
    assert alert.annotations.runbook_url == f"https://{DOCS}/runbook.html#{alert.name.lower()}"
    address, _, query = alert.annotations.dashboard_url.partition("?")
    host, _, board = address.removeprefix("https://").partition("/d/")
    assert host == GRAFANA and board in {board["uid"] for board in BOARDS.values()}
    # `absent` leaves no label behind.
    assert query == ("" if "absent(" in alert.expr else "var-namespace={{ $labels.namespace }}")


def test_the_production_overlay_sets_the_hosts_of_all_links_in_one_place(tmp_path: Path) -> None:
    shutil.copytree(ROOT, tmp_path / "manifests")
    file = tmp_path / "manifests" / "overlays" / "prod" / "kustomization.yaml"
    text = file.read_text()
    for placeholder, host in MARKED.items():
        assert text.count(f"value: {placeholder}}}") == 1
        text = text.replace(f"value: {placeholder}}}", f"value: {host}}}")
    file.write_text(text)
    (rules,) = (o for o in build(file.parent) if o["kind"] == "PrometheusRule")
    alerts = [rule for group in rules["spec"]["groups"] for rule in group["rules"] if "alert" in rule]
    assert len(alerts) == len(ALERTS)
    for alert in alerts:
        assert alert["annotations"]["runbook_url"].startswith(f"https://{MARKED[DOCS]}/runbook.html#aisle")
        assert alert["annotations"]["dashboard_url"].startswith(f"https://{MARKED[GRAFANA]}/d/aisle-")


@pytest.mark.parametrize("query", [query for query in QUERIES if not query.startswith("ALERTS{")])
def test_a_query_reads_what_the_code_exports(query: str) -> None:
    exported = EXPORTED | FROM_ELSEWHERE | {record.name: set() for record in RECORDS}
    read = list(series(query))
    assert read, f"no series in {query}"
    grouped = {label for names in re.findall(r"by \(([^)]*)\)", query) for label in names.split(", ")}
    for name, labels in read:
        assert name in exported, f"{query} reads {name}, which nothing exports"
        assert labels | grouped <= exported[name] | SCRAPE, f"{query}: {name} has only {exported[name]}"


@pytest.mark.needs("promtool")
def test_prometheus_can_parse_every_query(tmp_path: Path) -> None:
    rules = [{"record": f"runbook:{n}", "expr": query} for n, query in enumerate(QUERIES)]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "runbook", "rules": rules}]}))
    program = find_program("promtool")
    assert program is not None and len(rules) > 25
    done = subprocess.run([program, "check", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_objects_that_commands_name_are_in_an_overlay() -> None:
    ours = {o["metadata"]["name"] for overlay in ("kind", "prod") for o in objects(overlay)}
    named = re.findall(r"\b(?:deployment|statefulset|httproute|podmonitor) (aisle[\w-]*)", RUNBOOK)
    named += re.findall(r"\bdeployment/(aisle[\w-]*)", RUNBOOK)
    assert len(named) > 4 and set(named) <= ours


def test_the_commands_of_aisle_can_be_parsed() -> None:
    lines = [line.partition(" #")[0] for line in RUNBOOK.splitlines() if line.startswith("aisle ")]
    assert len(lines) > 3
    for line in lines:
        parse(shlex.split(line)[1:])


def test_the_commands_of_the_plugin_exist() -> None:
    commands = {command.callback.__name__ for command in app.registered_commands if command.callback}
    named = set(re.findall(r"kubectl aisle (\w+)", RUNBOOK))
    assert {"status", "rollback"} <= named <= commands
