"""The serving page names every metric and every column of the request log, and none that there is not."""

import re
from pathlib import Path

from prometheus_client import REGISTRY

from model.request_log.reader import SCHEMA
from model.serving.telemetry import metrics

PAGE = Path("docs/serving.md").read_text(encoding="utf-8")
KINDS = {"counter": "_total", "histogram": "", "gauge": ""}


def _rows(heading: str) -> str:
    """First cells of the table's rows under a heading."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return " ".join(line.split("|")[1] for line in section.splitlines() if line.startswith("| `"))


def test_the_table_of_metrics_is_complete() -> None:
    ours = {metric._name for metric in vars(metrics).values() if hasattr(metric, "_name")}
    there = {family.name + KINDS[family.type] for family in REGISTRY.collect() if family.name in ours}
    assert len(there) == len(ours)
    assert set(re.findall(r"`(\w+)`", _rows("Metrics"))) == there


def test_the_table_of_the_request_logs_columns_is_complete() -> None:
    assert sorted(re.findall(r"`(\w+)`", _rows("The request log"))) == sorted(SCHEMA.names)
