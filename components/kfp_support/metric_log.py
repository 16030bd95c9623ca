"""Logs a stage's figures where the KFP UI shows them."""

from collections.abc import Mapping
from pathlib import Path

from kfp import dsl

from model.files import write_json


def log_metrics(metrics: dsl.Metrics, values: Mapping[str, float]) -> None:
    """Logs `values`, and writes them to the artifact's file: KFP 2.17's local cache takes an artifact without a file
    for one that was lost, and would run the stage again.
    """
    for name, value in values.items():
        metrics.log_metric(name, value)
    write_json(Path(metrics.path), dict(values))
