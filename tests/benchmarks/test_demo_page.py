"""The README shows what the terminal prints: the published figures, line by line as `aisle demo` writes them."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from benchmarks.harness.page import render
from benchmarks.publish import PUBLISHED
from model.files import read_json
from pipelines.commands.output import text


def test_the_last_lines_are_those_of_the_command() -> None:
    result: dict[str, Any] = read_json(PUBLISHED / "demo.json")
    shown = render("demo/demo", result).partition("```text\n")[2].partition("```")[0]
    run = json.loads(json.dumps(result), object_hook=lambda fields: SimpleNamespace(**fields))
    run.gate.answer = "blessed"
    models = sorted(result["quality"].items(), key=lambda model: -model[1]["ndcg@10"])
    printed = text(
        "closing",
        summary=SimpleNamespace(judged_trips=run.judged_trips, first_stable=None),
        models=models,
        out=Path("build/demo"),
        data=run.data,
        gate=run.gate,
        rollout=run.rollout,
    )
    lines = shown.splitlines()
    assert len(lines) == len(models) + 4
    assert [line for line in lines if line not in printed.splitlines()] == []
