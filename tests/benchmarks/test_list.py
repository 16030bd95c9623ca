"""`make bench` runs every benchmark of `python -m benchmarks`, and each of them is there."""

import importlib.util
import re
from pathlib import Path

import pytest
import typer

from benchmarks.__main__ import MODULES, command

MAKEFILE = Path(__file__).resolve().parents[2] / "Makefile"


def test_make_bench_runs_every_benchmark() -> None:
    listed = re.search(r"^BENCHES := \$\(addprefix bench-,(.+)\)$", MAKEFILE.read_text(), re.MULTILINE)
    assert listed is not None and set(listed[1].split()) == set(MODULES)


def test_every_benchmark_is_a_module() -> None:
    assert [name for name, module in MODULES.items() if not importlib.util.find_spec(f"benchmarks.{module}")] == []


@pytest.mark.parametrize("name", MODULES)
def test_every_benchmark_has_a_command_line(name: str) -> None:
    assert typer.main.get_command(command(name)).help
