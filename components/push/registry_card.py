"""The whole model card, beside the model in the registry: ROOT/cards/VERSION.md."""

from pathlib import Path
from typing import Any

from components.artifacts.validation import Validation
from components.kfp_support.markdown_table import as_markdown
from model.files import read_json, write_text
from model.package.manifest import TRAINING, read_manifest
from model.package.model_card import Facts, Judgement, model_card
from model.registry.model_registry import Registry
from tfx_configs.settings import RunSettings

METRICS = "metrics.json"


def write_card(
    registry: Registry, version: str, settings: str, verdict: dict[str, Any], evaluation: Path, validation: Path
) -> Path:
    """Writes the card of a version in the registry, under its latest verdict; returns the file.

    Args:
        settings: RunSettings as JSON.
        evaluation: what evaluate wrote. validation: what validate wrote.
    """
    directory, span = registry.path(version), Validation(validation).span
    manifest = read_manifest(directory)
    facts = Facts(
        kind=manifest.kind,
        cut_s=manifest.cut_s,
        items=manifest.items,
        retrieved=manifest.retrieved,
        ranked=manifest.ranked,
        score_is_probability=manifest.score_is_probability,
        libraries=manifest.libraries,
        training=_read(directory / TRAINING) or None,
    )
    judgement = Judgement(
        version=version,
        settings=RunSettings.from_json(settings),
        metrics=_read(evaluation / METRICS),
        verdict=verdict,
        span=span.model_dump() if span else {},
    )
    file = registry.card(version)
    write_text(file, model_card(facts, judgement))
    return file


def page(outcome: dict[str, Any], registry: str) -> str:
    """What push did, and below it the card of a version that the registry has, as Markdown."""
    card = Registry(Path(registry)).card(outcome["version"])
    return as_markdown("Push", outcome) + (f"\n{card.read_text(encoding='utf-8')}" if card.exists() else "")


def _read(file: Path) -> dict[str, Any]:
    value = read_json(file) if file.is_file() else {}
    return value if isinstance(value, dict) else {}
