"""Runs of the whole thing that tests share: each takes a minute or two."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.pipelines.alternating import write_alternating
from tests.pipelines.command import aisle
from tests.pipelines.movies import write_films

FOUR = ("--set", 'gate.baselines=["popularity", "personal_frequency", "popular_unseen", "item_knn"]')


@dataclass(frozen=True, kw_only=True)
class Run:
    """A demo that has ended. `data`: the user's own tables, None for the built-in source."""

    out: Path
    done: "subprocess.CompletedProcess[str]"
    data: Path | None = None
    changes: tuple[str, ...] = ()

    @property
    def arguments(self) -> tuple[str | Path, ...]:
        """Of the command: what it read, what was set, and where it wrote."""
        return ("--fast", *(("--data", self.data) if self.data else ()), *self.changes, "--out", self.out)

    def summary(self) -> dict[str, Any]:
        """summary.json as it is now."""
        value: dict[str, Any] = json.loads((self.out / "summary.json").read_text())
        return value


@pytest.fixture(scope="session")
def promoted_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """`aisle demo --fast --data DIR` on a world where a model's lead is large: blessed by the full gate, promoted.

    The lead is over the four quick baselines: a logistic regression learns that world as well as the model does.
    """
    folder = tmp_path_factory.mktemp("promoted")
    data, out = write_alternating(folder / "tables"), folder / "out"
    done = aisle("demo", "--fast", "--data", data, *FOUR, "--out", out)
    return Run(out=out, done=done, data=data, changes=FOUR)


@pytest.fixture(scope="session")
def grocery_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """`aisle demo --fast` on a third of its sample of the demo's grocery trips: too few to prove a lead."""
    out, changes = tmp_path_factory.mktemp("grocery"), ("--set", "data.sample_percent=3")
    return Run(out=out, done=aisle("demo", "--fast", *changes, "--out", out), changes=changes)


@pytest.fixture(scope="session")
def films_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """`aisle demo --fast --data DIR`: ratings of films. What 146 trips measure is chance: the gate asks for no lead."""
    folder = tmp_path_factory.mktemp("films")
    data, out = write_films(folder / "tables"), folder / "out"
    changes = ("--set", "gate.min_lead_low_percent=-90", "--set", "gate.min_ratio_to_baseline=0.8")
    done = aisle("demo", "--fast", "--data", data, *changes, "--out", out)
    return Run(out=out, done=done, data=data, changes=changes)
