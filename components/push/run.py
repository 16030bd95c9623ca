"""Push: a blessed model becomes a versioned, immutable directory and is declared as canary. Idempotent."""

from pathlib import Path

from components.artifacts.push_outcome import PushOutcome
from components.artifacts.verdict import Verdict
from components.kfp_support.progress import progress
from components.push.registry_card import write_card
from model.errors import InputError, ModelRefused
from model.package.manifest import read_manifest
from model.registry import validation_baseline as reference
from model.registry.model_registry import Registry
from tfx_configs.settings import RunSettings

FIRST_STABLE = "personal_frequency"
"""The baseline that serves until the first model has earned its place."""


def push_candidate(
    *,
    candidate: Path,
    verdict_file: Path,
    baselines: Path,
    registry: Registry,
    validation: Path,
    data_digest: str,
    reference_dir: str,
    evaluation: Path,
    settings: RunSettings,
    run_name: str = "",
) -> PushOutcome:
    """Reads the verdict itself: nothing is pushed without a readable one that blesses this very candidate.

    Args:
        verdict_file: what the gate wrote.
        registry: on its first use the personal-frequency baseline becomes stable.
        validation: what validation wrote in this run; copied beside the model, for later runs to compare with.
        data_digest: of the data of this run (model.registry.validation_baseline.data_digest).
        reference_dir: what this run was compared with, or empty.
        evaluation: what evaluate wrote, for the model card; settings: of the run, likewise.
        run_name: under which the registry keeps the outcome; empty: it does not.

    Raises:
        ModelRefused: the verdict is unreadable or about another model, or a model directory is damaged.
    """
    try:
        verdict = Verdict.read(verdict_file)
    except InputError as error:
        raise ModelRefused(f"expected the gate's verdict, got none readable ({error}); run the gate") from None
    if registry.state().stable is None:
        registry.set_stable(registry.add(baselines / FIRST_STABLE))
        progress(f"first run: {FIRST_STABLE} is the stable model")
    version, stable = read_manifest(candidate).version, registry.state().stable
    override = verdict.override if verdict.overridden else None
    if not verdict.blessed:
        if registry.state().canary == version:
            registry.drop_canary()
        pushed, reason = False, "not blessed"
        progress("not blessed: the stable model stays")
    elif verdict.version != version:
        raise ModelRefused(f"expected a verdict on {version}, got one on {verdict.version}; run the gate again")
    else:
        registry.add(candidate)
        registry.keep_verdict(version, verdict.model_dump(mode="json"))
        reference.keep(registry, version, validation, data_digest, reference_dir)
        write_card(registry, version, settings, verdict, evaluation, validation)
        pushed, reason = version != stable, "already stable"
        if pushed:
            note = override.line if override else ""
            registry.set_canary(version, note)
            reason = "blessed by override" if override else "blessed"
            progress(f"{version} is the canary beside {stable}{f'; {note}' if note else ''}")
    outcome = PushOutcome(
        pushed=pushed,
        version=version,
        blessed=verdict.blessed,
        stable=stable,
        replaces=stable,
        reason=reason,
        override=override,
    )
    if run_name:
        outcome.write(registry.outcome(run_name))
    return outcome
