"""docs/reference/alerts.md: every alert, from the rules of Prometheus."""

from typing import NamedTuple

import yaml

from pipelines.reference.schema_page import DOCS, table

PAGE = DOCS / "reference" / "alerts.md"
RULES = DOCS.parent / "manifests" / "components" / "monitoring" / "rules.yaml"


class Alert(NamedTuple):
    """One rule that alerts."""

    group: str
    name: str
    severity: str
    lasts: str
    """How long its expression holds before it fires; empty: it fires at once."""
    window: str
    summary: str
    expression: str
    entry: str
    """Anchor of its entry in the runbook."""


def alerts() -> list[Alert]:
    """In the order of the file."""
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["spec"]["groups"]
    return [_alert(group["name"], rule) for group in groups for rule in group["rules"] if "alert" in rule]


def _alert(group: str, rule: dict) -> Alert:
    labels, notes = rule["labels"], rule["annotations"]
    return Alert(
        group=group,
        name=rule["alert"],
        severity=labels["severity"],
        lasts=rule.get("for", ""),
        window=labels.get("window", ""),
        summary=" ".join(notes["summary"].split()),
        expression=rule["expr"].rstrip(),
        entry=notes["runbook_url"].partition("#")[2],
    )


def page() -> str:
    return table("alerts", alerts=alerts()) + "\n"
