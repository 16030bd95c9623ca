"""What a comparison reads of one finished run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.artifacts.evaluation import Evaluation
from components.artifacts.trip_values import TripValues
from components.artifacts.verdict import Verdict
from model.errors import InputError, ModelRefused
from model.package.manifest import read_manifest
from pipelines.local.run_directory import Paths, RunOutputs, settings_of
from pipelines.local.summary import Summary, summarise


@dataclass(frozen=True, kw_only=True)
class FinishedRun:
    """One run."""

    name: str
    """What the comparison calls it."""
    summary: Summary
    evaluation: Evaluation
    verdict: Verdict
    values: TripValues
    """Empty where the evaluation is of an earlier version."""
    settings: dict[str, Any]
    """{section.field: value}; empty where the run has none that this release reads."""
    libraries: dict[str, str]


def read_run(run: Path, name: str) -> FinishedRun:
    """Reads a run of `aisle demo` or `aisle train`.

    Raises InputError, one line, where no run has finished there, or a result of it is missing.
    """
    paths = Paths(out=run)
    outputs = RunOutputs.load(run, paths.outputs, paths.result)
    summary = Summary.load(run) if paths.summary.is_file() else summarise(outputs, None, {})
    return FinishedRun(
        name=name,
        summary=summary,
        evaluation=Evaluation.load(outputs["evaluation"]),
        verdict=Verdict.read(outputs["verdict"]),
        values=TripValues.load(outputs["evaluation"]),
        settings=_settings(paths),
        libraries=_libraries(outputs["model"]),
    )


def names_of(first: Path, second: Path) -> tuple[str, str]:
    """The directories' names, or their whole paths where the names are equal.

    Example:
        >>> names_of(Path("build/monday"), Path("build/friday")), names_of(Path("a/demo"), Path("b/demo"))
        (('monday', 'friday'), ('a/demo', 'b/demo'))
    """
    short = first.resolve().name, second.resolve().name
    return short if short[0] != short[1] else (str(first), str(second))


def _settings(paths: Paths) -> dict[str, Any]:
    try:
        return dict(_flat(settings_of(paths).model_dump(mode="json")))
    except InputError:  # of a release with other settings
        return {}


def _libraries(model: Path) -> dict[str, str]:
    try:
        return read_manifest(model).libraries
    except ModelRefused:  # of a release with other manifests
        return {}


def _flat(tree: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for name, value in tree.items():
        pairs += _flat(value, f"{prefix}{name}.") if isinstance(value, dict) and value else [(f"{prefix}{name}", value)]
    return pairs
