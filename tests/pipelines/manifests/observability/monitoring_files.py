"""The checked-in rules of Prometheus and dashboards of Grafana, as values for the tests."""

import json
from collections.abc import Iterable
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from pipelines.manifests.render import ROOT

FOLDER = ROOT / "components" / "monitoring"
JOB = "aisle/aisle"
"""The job label that the Prometheus operator gives to the targets of the PodMonitor `aisle`."""


class Record(BaseModel):
    """A recording rule: a series that is computed once and read often."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(alias="record")
    expr: str


class Labels(BaseModel):
    """The labels that an alerting rule adds. Alerts that share a name differ in them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    severity: Literal["page", "ticket"]
    window: str = ""
    never: str = ""


class Annotations(BaseModel):
    """What an alert shows: one sentence, its entry in the runbook, its board; with Prometheus' templates."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    summary: str
    runbook_url: str
    dashboard_url: str


class Alert(BaseModel):
    """An alerting rule. `wait`: for how long the expression must hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(alias="alert")
    expr: str
    wait: str = Field(alias="for")
    labels: Labels
    annotations: Annotations

    @property
    def severity(self) -> str:
        return self.labels.severity


class Group(BaseModel):
    """Rules that are evaluated one after the other, at the same moment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    rules: tuple[Record | Alert, ...]


def rules_file(groups: Iterable[Group]) -> dict[str, Any]:
    """{groups: [...]}: the content of a rules file of Prometheus."""
    return {"groups": [group.model_dump(mode="json", by_alias=True, exclude_defaults=True) for group in groups]}


def board_expressions(board: dict[str, Any]) -> list[str]:
    """Every PromQL expression of a dashboard: of its panels and of its variables."""
    panels = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    variables = board["templating"]["list"]
    return [*panels, *(variable["query"]["query"] for variable in variables if variable["type"] == "query")]


def board_limits(board: dict[str, Any]) -> dict[str, float]:
    """{title of a panel: where its red line begins}, of the panels that draw one."""
    panels = [panel for panel in board["panels"] if "fieldConfig" in panel]
    steps = {panel["title"]: panel["fieldConfig"]["defaults"]["thresholds"]["steps"] for panel in panels}
    return {title: values[1]["value"] for title, values in steps.items() if len(values) > 1}


RULE = yaml.safe_load((FOLDER / "rules.yaml").read_text(encoding="utf-8"))
GROUPS = tuple(Group.model_validate(group) for group in RULE["spec"]["groups"])
ALERTS = tuple(rule for group in GROUPS for rule in group.rules if isinstance(rule, Alert))
RECORDS = tuple(rule for group in GROUPS for rule in group.rules if isinstance(rule, Record))
BOARDS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((FOLDER / "boards").glob("*.json"))
}
