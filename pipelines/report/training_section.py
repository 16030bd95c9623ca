"""How the losses went down."""

from collections.abc import Mapping, Sequence
from typing import Any

from components.reporting.charts import curves
from components.reporting.page_parts import Figure, Section
from pipelines.report.run_files import Sources

TITLES = {"towers": "Two towers", "ranker": "Ranker"}


def section(sources: Sources) -> Section | None:
    """The curves of summary["training"]; None without any."""
    training = sources.summary.training
    charts = []
    for part, epochs in training.get("curves", {}).items():
        series = {"training": _learned(epochs), "held-out": _held_out(epochs)}
        series = {label: points for label, points in series.items() if points}
        if series:
            charts.append(curves(f"{TITLES.get(part, part)}: loss", series, len(epochs)))
    if not charts:
        return None
    lead = ""
    if "train_trips" in training:
        held = training.get("valid_trips", 0)
        lead = (
            f"The ranker learned from {training['train_trips']:,} trips; {held:,} later ones were held out. "
            "The towers learn from earlier trips first and from the ranker's last, where their loss may jump."
        )
    caption = "Lower is better; a held-out loss that rises from epoch to epoch means the model began to memorise."
    return Section(id="training", title="Training", lead=lead, figures=(Figure(caption=caption, charts=tuple(charts)),))


def _learned(epochs: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    """(epoch, mean loss since the point before); a point an epoch where no parts of it were kept."""
    points = []
    for number, epoch in enumerate(epochs):
        parts: list[float] = epoch.get("parts") or ([epoch["loss"]] if "loss" in epoch else [])
        points += [(number + (n + 1) / len(parts), value) for n, value in enumerate(parts)]
    return points


def _held_out(epochs: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    return [(number + 1.0, epoch["val_loss"]) for number, epoch in enumerate(epochs) if "val_loss" in epoch]
