"""Push: a blessed model becomes a versioned, immutable directory and is declared as canary. Idempotent."""

from pathlib import Path
from typing import Any

from components.kfp_support.progress import progress
from components.push.registry_card import write_card
from model.errors import ModelRefused
from model.files import read_json
from model.package.manifest import read_manifest
from model.registry import validation_baseline as reference
from model.registry.model_registry import Registry

FIRST_STABLE = "personal_frequency"
"""The baseline that serves until the first model has earned its place."""


def push(
    candidate_dir: str,
    verdict_path: str,
    baselines_dir: str,
    registry_dir: str,
    validation_dir: str,
    data: str,
    reference_dir: str,
    evaluation_dir: str,
    settings: str,
) -> dict[str, Any]:
    """Looks at the verdict itself: nothing is pushed without a readable one that blesses this very candidate.

    Args:
        verdict_path: what the gate wrote.
        registry_dir: root of the model registry; on its first use the personal-frequency baseline becomes stable.
        validation_dir: what validation wrote in this run; kept beside the model, for later runs to compare with.
        data: digest of the data of this run (model.registry.validation_baseline.data_digest).
        reference_dir: what this run was compared with, or empty.
        evaluation_dir: what evaluate wrote, for the model card.
        settings: RunSettings as JSON, likewise.

    Returns:
        {pushed, version, blessed, stable, replaces, reason, override}; `override` is the verdict's, where that was
        needed.

    Raises:
        ModelRefused: the verdict is unreadable or speaks of another model, or a model directory is damaged.
    """
    registry, verdict = Registry(Path(registry_dir)), _verdict(Path(verdict_path))
    if registry.state().stable is None:
        registry.set_stable(registry.add(Path(baselines_dir) / FIRST_STABLE))
        progress(f"first run: {FIRST_STABLE} is the stable model")
    stable = registry.state().stable
    version = read_manifest(Path(candidate_dir)).version
    override = verdict.get("override") if verdict.get("overridden") is True else None
    blessed = verdict.get("blessed") is True
    result = {"version": version, "blessed": blessed, "stable": stable, "replaces": stable, "override": override}
    if not blessed:
        if registry.state().canary == version:
            registry.drop_canary()
        progress("not blessed: the stable model stays")
        return result | {"pushed": False, "reason": "not blessed"}
    if verdict.get("version") != version:
        raise ModelRefused(f"expected a verdict on {version}, got one on {verdict.get('version')}; run the gate again")
    registry.add(Path(candidate_dir))
    registry.keep_verdict(version, verdict)
    reference.keep(registry, version, Path(validation_dir), data, reference_dir)
    write_card(registry, version, settings, verdict, Path(evaluation_dir), Path(validation_dir))
    if version == stable:
        return result | {"pushed": False, "reason": "already stable"}
    note = override_line(override) if override else ""
    registry.set_canary(version, note)
    progress(f"{version} is the canary beside {stable}{f'; {note}' if note else ''}")
    return result | {"pushed": True, "reason": "blessed by override" if override else "blessed"}


def override_line(override: dict[str, Any]) -> str:
    """Who overruled the gate, when, why, and what had failed."""
    who = f"{override['by']} at {override['at']}: {override['reason']}"
    return f"BLESSED BY OVERRIDE of {who}; these checks failed: {', '.join(override['checks'])}"


def _verdict(path: Path) -> dict[str, Any]:
    try:
        verdict = read_json(path)
    except (OSError, ValueError) as error:
        raise ModelRefused(f"{path}: expected the gate's verdict, got none readable ({error}); run the gate") from None
    return verdict if isinstance(verdict, dict) else {}
