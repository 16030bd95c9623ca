"""Variants of one thing, measured one at a time on the same trips: kept one by one, compared with the first.

A variant leaves NAME.npz, its values by trip, and NAME.json, what else there is to say about it.
"""

import dataclasses
import re
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.quality.result import ROUNDS
from model.evaluation import ranking_metrics as metrics
from model.files import read_json, write_json


def measured(folder: Path, name: str) -> bool:
    """Whether the variant has been kept."""
    return _path(folder, name).with_suffix(".json").exists()


def keep(folder: Path, name: str, values: dict[str, np.ndarray], about: dict[str, Any]) -> None:
    """Args: values: {metric: [N] value by trip, NaN where undefined}, the same trips in the same order everywhere."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(_path(folder, name).with_suffix(".npz"), **values)  # type: ignore[arg-type]
    write_json(_path(folder, name).with_suffix(".json"), about)


def compare(folder: Path, names: list[str], reference: str, seed: int) -> list[dict[str, Any]]:
    """[{name, means: {metric: mean}, over: {metric: interval against the reference}, what was said about it}].

    Variants that are not there are left out; without the reference there is nothing to compare with.
    """
    if not measured(folder, reference):
        return []
    first = _values(folder, reference)
    found = []
    for name in names:
        if measured(folder, name):
            values = _values(folder, name)
            over = {
                metric: dataclasses.asdict(metrics.paired_delta(value, first[metric], seed=seed, rounds=ROUNDS))
                for metric, value in values.items()
                if name != reference
            }
            means = {metric: metrics.mean_defined(value) for metric, value in values.items()}
            about = read_json(_path(folder, name).with_suffix(".json"))
            found.append({"name": name, "means": means, "over": over} | about)
    return found


def _values(folder: Path, name: str) -> dict[str, np.ndarray]:
    with np.load(_path(folder, name).with_suffix(".npz")) as values:
        return dict(values)


def _path(folder: Path, name: str) -> Path:
    return folder / re.sub(r"\W+", "-", name).strip("-")
