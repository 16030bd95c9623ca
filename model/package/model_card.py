"""The card of a model, as Markdown: what it is for, what it was made from, how it was judged, where it ends.

Two are written. The one in the model directory is covered by its checksums, so it has only what is known at export.
The evaluation comes later and a model directory never changes: push writes the whole card beside it, in the registry.

After Mitchell et al., "Model cards for model reporting" (FAT* 2019). The words are in model_card.md.j2.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from model.data.task import TaskKind
from model.package.manifest import Manifest
from tfx_configs.settings import RunSettings

NAME = "model_card.md"
GROUPS = ("features", "candidates", "train", "labels")
"""Settings that the whole card lists."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What is known when the model is pushed.

    Example:
        >>> judged = Judgement(version="2020-01-06-aa", settings=RunSettings(), events=None, days=None, results="")
        >>> judged.version
        '2020-01-06-aa'
    """

    version: str
    settings: RunSettings
    events: int | None
    """Of the training span; None where validation left none."""
    days: float | None
    """Length of that span."""
    results: str
    """The gate's verdict and the evaluation, as Markdown."""


def model_card(facts: Manifest, *, training: Mapping[str, Any] | None, judgement: Judgement | None = None) -> str:
    """The card; without a judgement it refers to the whole one.

    Args:
        facts: the model's manifest, or its draft.
        training: content of training.json; None for what is not trained.
    """
    settings = {group: getattr(judgement.settings, group).model_dump() for group in GROUPS} if judgement else {}
    cut = datetime.datetime.fromtimestamp(facts.cut_s, datetime.UTC).date()
    template = Path(__file__).with_name("model_card.md.j2")
    purpose = TaskKind(facts.task).purpose
    return fill(
        template, facts=facts, purpose=purpose, training=training, judgement=judgement, settings=settings, cut=cut
    )


def fill(template: Path, **values: object) -> str:
    """The text of a Markdown template with its values; an unknown name is an error."""
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    return environment.from_string(template.read_text(encoding="utf-8")).render(values)
