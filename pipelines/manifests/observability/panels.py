"""The few kinds of panel that the boards use, as Grafana's JSON (dashboard schema 39, Grafana 10 and later)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

SCHEMA = 39
COLUMNS = 24
"""Width of a board in Grafana's grid."""
SOURCE = {"type": "prometheus", "uid": "${source}"}

Unit = Literal["s", "percentunit", "percent", "reqps", "short", "dtdurations", "none"]


@dataclass(frozen=True, kw_only=True)
class Query:
    """A PromQL expression and what its series are called, as a Grafana legend."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One picture. `limit` draws a line where an alert begins."""

    title: str
    queries: tuple[Query, ...]
    unit: Unit
    about: str = ""
    kind: Literal["timeseries", "stat", "table"] = "timeseries"
    width: int = 8
    stack: bool = False
    limit: float | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """Panels under one title."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, kw_only=True)
class Board:
    """One dashboard. `uid` is its address for ever."""

    uid: str
    title: str
    about: str
    rows: tuple[Row, ...]
    since: str = "now-6h"
    choices: tuple[tuple[str, str], ...] = ()
    """Variables beside `namespace`: (name, the query for its values); several may be chosen at once."""

    def json(self) -> dict[str, Any]:
        """As Grafana imports it, or its sidecar reads it from a ConfigMap."""
        chosen = [_variable(name, query, several=True) for name, query in self.choices]
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.about,
            "tags": ["aisle"],
            "schemaVersion": SCHEMA,
            "editable": False,
            "refresh": "30s",
            "time": {"from": self.since, "to": "now"},
            "timezone": "browser",
            "templating": {"list": [_source(), _variable("namespace", NAMESPACES, several=False), *chosen]},
            "panels": _laid_out(self.rows),
        }

    def expressions(self) -> list[str]:
        """Every PromQL expression on the board."""
        found = [query.expr for row in self.rows for panel in row.panels for query in panel.queries]
        return [*found, NAMESPACES, *(query for _, query in self.choices)]


NAMESPACES = "label_values(aisle_in_flight, namespace)"


def _source() -> dict[str, Any]:
    return {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def _variable(name: str, query: str, several: bool) -> dict[str, Any]:
    return {
        "name": name,
        "label": name.capitalize(),
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": name},
        "multi": several,
        "includeAll": several,
        "refresh": 2,
        "sort": 1,
    }


def _laid_out(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Rows from top to bottom, the panels of each from left to right; ids in that order."""
    found: list[dict[str, Any]] = []
    top = 0
    for row in rows:
        found.append(
            {
                "id": len(found) + 1,
                "type": "row",
                "title": row.title,
                "collapsed": False,
                "panels": [],
                "gridPos": {"x": 0, "y": top, "w": COLUMNS, "h": 1},
            }
        )
        top, left, tallest = top + 1, 0, 0
        for panel in row.panels:
            height = 4 if panel.kind == "stat" else 8
            if left + panel.width > COLUMNS:
                top, left, tallest = top + tallest, 0, 0
            place = {"x": left, "y": top, "w": panel.width, "h": height}
            found.append(_panel(panel, len(found) + 1, place))
            left, tallest = left + panel.width, max(tallest, height)
        top += tallest
    return found


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    custom: dict[str, Any] = {}
    if panel.limit is not None:
        steps.append({"color": "red", "value": panel.limit})
        custom["thresholdsStyle"] = {"mode": "line"}
    if panel.kind == "timeseries":
        custom |= {"fillOpacity": 10, "showPoints": "never"}
        if panel.stack:
            custom |= {"stacking": {"mode": "normal", "group": "A"}, "fillOpacity": 40}
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": SOURCE,
        "gridPos": place,
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": SOURCE,
                "expr": query.expr,
                "legendFormat": query.legend or "__auto",
                **({"instant": True, "format": "table"} if panel.kind == "table" else {"range": True}),
            }
            for index, query in enumerate(panel.queries)
        ],
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "min": 0,
                "thresholds": {"mode": "absolute", "steps": steps},
                **({"custom": custom} if custom and panel.kind == "timeseries" else {}),
            },
            "overrides": [],
        },
        "options": _options(panel),
    }


def _options(panel: Panel) -> dict[str, Any]:
    if panel.kind == "stat":
        return {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value", "graphMode": "none"}
    if panel.kind == "table":
        return {"showHeader": True}
    return {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}
