"""The model that a training starts from: its weights, and the codes of ids and values that they were learned for."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from components.artifacts.training import TrainingRecord
from components.train.vocabulary import Coding
from model.data.time_split import day
from model.errors import InputError, ModelRefused
from model.networks import weights
from model.package.export import CODING
from model.package.manifest import verify
from tfx_configs.stages import TrainStage


@dataclasses.dataclass(frozen=True, kw_only=True)
class Parent:
    """Read from a model directory whose checksums hold."""

    version: str
    learned_until_s: int
    """Its weights know purchases before this moment, unix seconds; earlier than its cut where it was refreshed."""
    query: str
    """How its towers read a shopper."""
    coding: Coding
    weights: dict[str, np.ndarray]


def open_parent(directory: Path | None, run: TrainStage, cut_s: int) -> Parent:
    """Reads a parent for a run whose test span starts at `cut_s`.

    Raises:
        InputError: there is no `directory`.
        ModelRefused: it is damaged, made for another schema, by other libraries or with other settings, is a baseline,
            was trained before models kept what is wanted here, or has seen the trips that this run is judged on.
    """
    if directory is None:
        raise InputError(
            f"train.start {run.train.start}: expected a model to start from, got none; train one from scratch first"
        )
    manifest = verify(directory)
    if not (directory / CODING).exists():
        raise ModelRefused(
            f"{directory}: expected weights to start from, the {manifest.kind} there has none; start: scratch"
        )
    record = TrainingRecord.load(directory)
    made, wanted = _fixed(record.settings or {}), _fixed(json.loads(run.to_json()))
    for name in sorted(made | wanted):
        if made.get(name) != wanted.get(name):
            was, now = made.get(name), wanted.get(name)
            what = f"made with {name} {was}, this run has {now}; use the same, or start: scratch"
            raise ModelRefused(f"{directory}: {what}")
    if run.train.query not in ("auto", record.query):
        what = f"made with train.query {record.query}, this run has {run.train.query}; use the same, or start: scratch"
        raise ModelRefused(f"{directory}: {what}")
    if manifest.cut_s > cut_s:
        raise ModelRefused(
            f"{directory}: knows purchases until {day(manifest.cut_s)}, this run is judged on trips from {day(cut_s)} "
            "on; take an earlier model, or start: scratch"
        )
    return Parent(
        version=manifest.version,
        learned_until_s=record.learned_until_s,
        query=record.query,
        coding=Coding.load(directory),
        weights=weights.read(directory),
    )


def _fixed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Of TrainStage as JSON, those that weights depend on: with others they would mean something else."""
    fixed = {"features": settings["features"], "train": ("dimension",), "candidates": ("retrieved",)}
    return {f"{section}.{name}": settings[section][name] for section, names in fixed.items() for name in names}
