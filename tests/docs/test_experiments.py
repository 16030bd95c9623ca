"""The page on experiments: its first example of a size prints what the text has."""

import re
import shlex
from pathlib import Path

import pytest

from pipelines.cli import main

PAGE = Path("docs/experiments.md").read_text(encoding="utf-8")


def test_the_example_prints_the_shoppers_that_the_text_names(capsys: pytest.CaptureFixture[str]) -> None:
    command = re.search(r"aisle (experiment size --mean .*)", PAGE)
    assert command is not None and "--relative-effect 0.05" in command[1]
    assert main(shlex.split(command[1])) == 0
    plain, reduced = (line.split()[-2] for line in capsys.readouterr().out.splitlines()[-2:])
    sizes = dict(re.findall(r"figure:experiment/sizes/1/(\w+) ,d -->([\d,]+)<", PAGE))
    assert (plain, reduced) == (sizes["plain"], sizes["adjusted"])
