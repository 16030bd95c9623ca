"""Named runs: functions that return one frozen RunSettings."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from tfx_configs.frozen import SettingsError
from tfx_configs.overrides import Tree, assigned, layered
from tfx_configs.settings import RunSettings

RECIPES = ("full", "fast")
"""Short names of runs: all of it, or short training for trying out."""
MOVIELENS_FILES = ("u.data", "ratings.dat")
"""The ratings of MovieLens 100K and 1M."""
FAST: Tree = json.loads((Path(__file__).parent / "fast.json").read_text(encoding="utf-8"))
"""Short training, and wider limits where few trips show only noise: most of a calibration error is that, and some dozen
answers prove nothing about outcomes. What a candidate must show against baselines and in slices is never loosened."""
FAST_SAMPLE_PERCENT = 8.0
"""Shoppers of The Complete Journey in a fast run."""


def full(path: str = "", cut_date: str | None = None) -> RunSettings:
    """The main job: all shoppers, all products."""
    return run_settings(path=path, cut_date=cut_date)


def fast(path: str = "", cut_date: str | None = None) -> RunSettings:
    """A deterministic sample of shoppers and short training, for tests: minutes, not quality."""
    return run_settings(path=path, cut_date=cut_date, fast=True)


def run_settings(
    *,
    config: Mapping[str, Any] | None = None,
    path: str = "",
    cut_date: str | None = None,
    fast: bool = False,
    changes: Sequence[str] = (),
) -> RunSettings:
    """The settings of a run from layers; the later one holds: defaults, `config`, the options, `changes`.

    Args:
        config: {section: {field: value}}.
        path: directory of the tables; empty: the one of `config`, or The Complete Journey.
        cut_date: first test day, YYYY-MM-DD; None: the one of `config`, or the default.
        fast: short training, and a sample of The Complete Journey.
        changes: `section.field=value`.

    Raises:
        SettingsError: a name or a value that the settings refuse.
    """
    options: Tree = {"path": path, "source": _source(path)} if path else {}
    if cut_date is not None:
        options["cut_date"] = cut_date
    last = assigned(changes)
    tree = layered(config or {}, {"data": options}, FAST if fast else {}, last)
    if isinstance(data := tree["data"], dict):
        data.setdefault("source", _source(str(data.get("path", ""))))
        if fast and data["source"] == "complete_journey" and "sample_percent" not in last.get("data", {}):
            data["sample_percent"] = FAST_SAMPLE_PERCENT
    return RunSettings.from_dict(tree)


def run_of_page(settings: str, data: str, cut_date: str, recipe: str) -> RunSettings:
    """The settings of a run that is started from KFP's page.

    Args:
        settings: settings that differ from those of the recipe, as JSON.
        data: address of the tables; empty: the one of `settings`, or The Complete Journey.
        cut_date: first test day, YYYY-MM-DD; empty: the one of `settings`, or the default.
        recipe: one of RECIPES.

    Raises:
        SettingsError: a name or a value that the settings refuse.
    """
    if recipe not in RECIPES:
        raise SettingsError(f"recipe: expected one of {', '.join(RECIPES)}, got {recipe!r}")
    chosen = RunSettings.from_json(settings or "{}").model_dump(mode="json", exclude_unset=True)
    is_fast = recipe == "fast"
    run = run_settings(config=layered(FAST if is_fast else {}, chosen), path=data, cut_date=cut_date or None)
    if is_fast and run.data.source == "complete_journey" and "sample_percent" not in chosen.get("data", {}):
        run = run.replace(data=run.data.replace(sample_percent=FAST_SAMPLE_PERCENT))
    return run


def _source(path: str) -> Literal["complete_journey", "movielens", "canonical"]:
    """Known by the files in the directory: MovieLens has names of its own."""
    if not path:
        return "complete_journey"
    return "movielens" if any((Path(path) / name).exists() for name in MOVIELENS_FILES) else "canonical"
