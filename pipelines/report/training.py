"""How the losses went down."""

from typing import Any

from pipelines.report.charts import curves
from pipelines.report.page import Figure, Section
from pipelines.report.sources import Sources

NAMES = {"loss": "training", "val_loss": "held-out"}
TITLES = {"towers": "Two towers", "ranker": "Ranker"}


def section(sources: Sources) -> Section | None:
    """The curves of summary["training"]; None without any."""
    training: dict[str, Any] = sources.summary.get("training") or {}
    charts = []
    for part, epochs in training.get("curves", {}).items():
        series = {NAMES[key]: [epoch[key] for epoch in epochs if key in epoch] for key in NAMES}
        series = {label: values for label, values in series.items() if values}
        if series:
            charts.append(curves(f"{TITLES.get(part, part)}: loss by epoch", series))
    if not charts:
        return None
    lead = ""
    if "train_trips" in training:
        held = training.get("valid_trips", 0)
        lead = (
            f"The ranker learned from {training['train_trips']:,} trips; {held:,} later ones were held out to watch it."
        )
    says = "Lower is better; a held-out line that turns upward means the model began to learn by heart."
    return Section(id="training", title="Training", lead=lead, figures=(Figure(says=says, charts=tuple(charts)),))
