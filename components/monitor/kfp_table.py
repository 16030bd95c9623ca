"""The checks as Markdown for KFP's page: what failed first, then the rest, then what training is due."""

from pathlib import Path
from typing import Any

from components.kfp_support.markdown_table import as_markdown
from model.files import read_json, write_text

_ORDER = ("failed", "ok", "unknown")


def write_table(report_path: str, table_path: str) -> None:
    """`table` of the report that the step wrote."""
    write_text(Path(table_path), table(read_json(Path(report_path))))


def table(report: dict[str, Any]) -> str:
    """`report`: as components.monitor.run.monitor returns it."""
    checks = sorted(report["worst"], key=lambda one: _ORDER.index(one["status"]))
    due = report["retrain"]
    said = {"training due": due["train"], "because": due["reasons"], "failed": report["failed"]}
    title = f"{len(report['failed'])} of {len(checks)} checks failed"
    return as_markdown(title, said | {one["check"]: f"{one['status']}: {one['what']}" for one in checks})
