"""The model that a training goes on from: its weights, and the codes of ids and values that they were learned for."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from components.train.vocabulary import Coding
from model.data.time_split import day
from model.errors import InputError, ModelRefused
from model.files import read_json
from model.networks import weights
from model.package.export import CODING, TRAINING
from model.package.manifest import verify
from tfx_configs.settings import RunSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Parent:
    """Read from a model directory whose checksums hold."""

    version: str
    learned_until_s: int
    """Its weights know purchases before this moment, unix seconds; earlier than its cut where it was refreshed."""
    coding: Coding
    weights: dict[str, np.ndarray]


def open_parent(directory: str, run: RunSettings, cut_s: int) -> Parent:
    """Reads a parent for a run whose test span starts at `cut_s`.

    Raises:
        InputError: `directory` is empty.
        ModelRefused: it is damaged, made for another schema, by other libraries or with other settings, is a baseline,
            was trained before models kept what is wanted here, or has seen the trips that this run is judged on.
    """
    path, start = Path(directory), run.train.start
    if not directory:
        raise InputError(f"train.start {start}: expected a model to start from, got none; train one from scratch first")
    manifest = verify(path)
    if not (path / CODING).exists():
        raise ModelRefused(
            f"{path}: expected weights to go on from, the {manifest.kind} there has none; start: scratch"
        )
    training = read_json(path / TRAINING)
    made, wanted = _fixed(training["settings"]), _fixed(json.loads(run.to_json()))
    for name in sorted(made | wanted):
        if made.get(name) != wanted.get(name):
            was, now = made.get(name), wanted.get(name)
            raise ModelRefused(f"{path}: made with {name} {was}, this run has {now}; use the same, or start: scratch")
    if manifest.cut_s > cut_s:
        raise ModelRefused(
            f"{path}: knows purchases until {day(manifest.cut_s)}, this run is judged on trips from {day(cut_s)} on; "
            "take an earlier model, or start: scratch"
        )
    return Parent(
        version=manifest.version,
        learned_until_s=training["learned_until_s"],
        coding=Coding.from_json(read_json(path / CODING)),
        weights=weights.read(path),
    )


def _fixed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Of RunSettings as JSON, those that weights depend on: with others they would mean something else."""
    fixed = {"features": settings["features"], "train": ("dimension",), "candidates": ("retrieved",)}
    return {f"{section}.{name}": settings[section][name] for section, names in fixed.items() for name in names}
