"""Copies results to benchmarks/results and writes the figures of the README and docs from them; a test compares them.

`python -m benchmarks.publish` after `make bench` or any of its parts.
"""

import dataclasses
import re
from pathlib import Path
from typing import Any

from benchmarks.harness.page import render
from model.files import read_json, write_json, write_text

ROOT = Path(__file__).resolve().parent.parent
FRESH, PUBLISHED = ROOT / "build" / "bench", ROOT / "benchmarks" / "results"
CADENCE = FRESH / "cadence" / "cadence.svg"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Section:
    """Where the text of a section and its figures come from."""

    template: str
    """Path below benchmarks/, without `.md.j2`."""
    result: str = ""
    """Name of the result; empty: that of the section."""
    others: tuple[str, ...] = ()
    """Names of further results."""


SECTIONS = {
    "ablation": Section(template="ablation/ablation"),
    "alternatives": Section(template="quality/alternatives", result="quality", others=("latency",)),
    "cadence": Section(template="cadence/cadence"),
    "calibration": Section(template="robustness/calibration"),
    "capacity": Section(template="serving/capacity", result="serving", others=("demo",)),
    "data": Section(template="data/data"),
    "demo": Section(template="demo/demo"),
    "fuzz": Section(template="serving/fuzz"),
    "labels": Section(template="robustness/labels"),
    "monitoring": Section(template="monitoring/monitoring"),
    "noise": Section(template="robustness/noise"),
    "offpolicy": Section(template="offpolicy/offpolicy"),
    "quality": Section(template="quality/quality"),
    "refresh": Section(template="cadence/refresh"),
    "rerank": Section(template="rerank/rerank"),
    "rollout": Section(template="rollout/rollout"),
    "serving": Section(template="serving/serving"),
    "soak": Section(template="serving/soak"),
}
ONLY_FIGURES = {"experiment", "latency", "shipping"}
"""Results that pages take single figures from, without a section."""


def main() -> None:
    for path in sorted(FRESH.glob("*.json")):
        if path.stem in {section.result or name for name, section in SECTIONS.items()} | ONLY_FIGURES:
            write_json(PUBLISHED / path.name, read_json(path))
            print(f"copied {path.name}")
    if CADENCE.exists():
        (ROOT / "docs" / "images" / CADENCE.name).write_bytes(CADENCE.read_bytes())
    for page in pages():
        write_text(page, filled(page.read_text()))


def pages() -> list[Path]:
    """The files with results sections in them, or without."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def filled(text: str) -> str:
    """The text with every results section and every single figure rewritten from benchmarks/results.

    A figure is written `<!-- figure:FILE/KEY/... FORMAT -->` and ends with `<!-- /figure -->`; a key of a list is its
    position, and the format is Python's.
    """

    def section(match: re.Match[str]) -> str:
        name = match["name"]
        of = SECTIONS[name]
        others = {other: read_json(PUBLISHED / f"{other}.json") for other in of.others}
        body = render(of.template, read_json(PUBLISHED / f"{of.result or name}.json"), **others)
        return f"<!-- results:{name} -->\n{body}\n<!-- /results -->"

    def figure(match: re.Match[str]) -> str:
        name, *keys = match["path"].split("/")
        value: Any = read_json(PUBLISHED / f"{name}.json")
        for key in keys:
            value = value[int(key) if isinstance(value, list) else key]
        return f"<!-- figure:{match['path']} {match['form']} -->{value:{match['form']}}<!-- /figure -->"

    text = re.sub(r"<!-- results:(?P<name>\w+) -->\n.*?<!-- /results -->", section, text, flags=re.DOTALL)
    return re.sub(r"<!-- figure:(?P<path>.+?) (?P<form>\S+) -->.*?<!-- /figure -->", figure, text)


if __name__ == "__main__":
    main()
