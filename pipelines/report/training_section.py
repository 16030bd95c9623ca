"""How the losses went down."""

from collections.abc import Mapping, Sequence
from typing import Any

from components.reporting.charts import curves
from components.reporting.page_parts import Section
from pipelines.report.run_files import Sources
from pipelines.report.section_text import TEXTS


def section(sources: Sources) -> Section | None:
    """The curves of summary["training"]; None without any."""
    text, training = TEXTS["training"], sources.summary.training
    charts = []
    for network, epochs in training.get("curves", {}).items():
        held_out = [(number + 1.0, epoch["val_loss"]) for number, epoch in enumerate(epochs) if "val_loss" in epoch]
        measured = {"training": _learned(epochs), "held-out": held_out}
        if series := {label: points for label, points in measured.items() if points}:
            title = f"{text.names['networks'].get(network, network)}: loss"
            charts.append(curves(title, series, len(epochs)))
    facts = {
        "train_trips": training.get("train_trips"),
        "valid_trips": training.get("valid_trips", 0),
        "warnings": training.get("warnings", []),
    }
    return text.section("training", text.figure("losses", *charts), **facts) if charts else None


def _learned(epochs: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    """(epoch, mean loss since the point before); a point an epoch where its parts were not recorded."""
    points = []
    for number, epoch in enumerate(epochs):
        parts: list[float] = epoch.get("parts") or ([epoch["loss"]] if "loss" in epoch else [])
        points += [(number + (n + 1) / len(parts), value) for n, value in enumerate(parts)]
    return points
