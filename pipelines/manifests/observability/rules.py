"""What Prometheus is to compute and to tell, as records; rendered for the Prometheus operator."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

Severity = Literal["page", "ticket"]
"""page: somebody gets up. ticket: somebody looks within the working day."""
RUNBOOK = "docs/runbook.md"


@dataclass(frozen=True, kw_only=True)
class Record:
    """A series that is computed once and read often."""

    name: str
    expr: str

    def rule(self) -> dict[str, Any]:
        return {"record": self.name, "expr": _lines(self.expr)}


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alerting rule. Several may share a name, and then differ in their labels."""

    name: str
    expr: str
    summary: str
    """One sentence; may hold Prometheus' templates."""
    severity: Severity
    wait: str = "0m"
    """For how long the expression must hold."""
    labels: Mapping[str, str] = field(default_factory=dict)

    def rule(self) -> dict[str, Any]:
        return {
            "alert": self.name,
            "expr": _lines(self.expr),
            "for": self.wait,
            "labels": {"severity": self.severity, **self.labels},
            "annotations": {"summary": self.summary, "runbook": f"{RUNBOOK}#{self.name.lower()}"},
        }


@dataclass(frozen=True, kw_only=True)
class Group:
    """Rules that are evaluated one after the other, at the same moment."""

    name: str
    rules: tuple[Record | Alert, ...]


def spec(groups: Iterable[Group]) -> dict[str, Any]:
    """{groups: [...]}: a rules file of Prometheus, and the spec of a PrometheusRule."""
    return {"groups": [{"name": group.name, "rules": [rule.rule() for rule in group.rules]} for group in groups]}


def prometheus_rule(name: str, namespace: str, groups: Iterable[Group]) -> str:
    """The object of the Prometheus operator, as YAML."""
    found = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec(groups),
    }
    return yaml.dump(found, Dumper=_Dumper, sort_keys=False, width=120)


def _lines(expr: str) -> str:
    """Without the indentation of the Python source."""
    return "\n".join(line.strip() for line in expr.strip().splitlines())


class _Dumper(yaml.SafeDumper):
    """Text of several lines as a block."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
