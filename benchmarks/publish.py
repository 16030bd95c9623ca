"""Copies results to benchmarks/results and writes the figures of the README and docs from them; a test compares them.

`python -m benchmarks.publish` after `make bench` or any of its parts.
"""

import re
from pathlib import Path
from typing import Any

from benchmarks.__main__ import MODULES
from benchmarks.harness.page import render
from model.files import read_json, write_json, write_text

ROOT = Path(__file__).resolve().parent.parent
FRESH, PUBLISHED = ROOT / "build" / "bench", ROOT / "benchmarks" / "results"
CADENCE = FRESH / "cadence" / "cadence.svg"


TEMPLATES = {path.name.removesuffix(".md.j2"): path for path in ROOT.glob("benchmarks/*/*.md.j2")}
"""{section: its text}"""
RESULTS_OF = {"alternatives": ("quality", "latency"), "capacity": ("serving", "demo")}
"""{section: results that its figures come from}; elsewhere the result of the section's name."""


def main() -> None:
    for path in sorted(FRESH.glob("*.json")):
        if path.stem in MODULES:
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
        first, *others = RESULTS_OF.get(name, (name,))
        results = {result: read_json(PUBLISHED / f"{result}.json") for result in (first, *others)}
        body = render(f"{TEMPLATES[name].parent.name}/{name}", results.pop(first), **results)
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
