"""Push: a blessed model becomes a versioned, immutable directory and is declared as canary. Idempotent."""

from collections.abc import Callable
from pathlib import Path

from components.artifacts.first_stable import FirstStable
from components.artifacts.push_outcome import PushOutcome
from components.artifacts.verdict import Verdict
from components.kfp_support.progress import progress
from components.push.registration import tracked_version
from components.push.registry_card import page, write_card
from components.tracking.servers import Servers
from model.errors import InputError, ModelRefused
from model.files import write_text
from model.package.manifest import read_manifest
from model.registry import validation_baseline as reference
from model.registry.model_registry import Registry
from model.registry.roles import Roles
from tfx_configs.settings import RunSettings


def push_candidate(
    *,
    candidate: Path,
    verdict_file: Path,
    baselines: Path,
    registry_dir: Path,
    validation: Path,
    data_version: str,
    reference_dir: str,
    evaluation: Path,
    settings: RunSettings,
    run_name: str,
    outcome_file: Path,
    card_file: Path,
    service: Callable[[], Roles[str]] | None = None,
    candidate_uri: str = "",
) -> PushOutcome:
    """Reads the verdict itself: nothing is pushed without a readable one that blesses this very candidate.

    Args:
        candidate, baselines: a model directory, and a directory of such.
        verdict_file: what the gate wrote.
        registry_dir: on its first use the baseline that the baselines stage chose becomes stable.
        validation: what validation wrote in this run; copied beside the model, for later runs to compare with.
        data_version: digest of the source's files.
        reference_dir: what this run was compared with, or empty.
        evaluation: what evaluate wrote, for the model card.
        run_name: under which the registry keeps the outcome; empty: it does not.
        outcome_file, card_file: are written; the outcome, and the same with the model card as Markdown.
        service: as of Registry: what serves on a cluster may have changed while the candidate was trained.
        candidate_uri: KFP's address of the candidate, for the servers of `settings.tracking`.

    Raises:
        ModelRefused: the verdict is unreadable or about another model, or a model directory is damaged.
        InputError: the baselines stage has chosen none of `baselines` to serve first.
    """
    try:
        verdict = Verdict.read(verdict_file)
    except InputError as error:
        raise ModelRefused(f"expected the gate's verdict, got none readable ({error})") from None
    registry, first = Registry(registry_dir, service), FirstStable.load(baselines)
    if registry.state().stable is None:
        registry.set_stable(registry.add(baselines / first.name), first.line)
        progress(first.line)
    version, stable = read_manifest(candidate).version, registry.state().stable
    override = verdict.override if verdict.overridden else None
    pushed, reason = False, verdict.outcome.replace("_", " ")
    if not verdict.blessed:
        if registry.state().canary == version:
            registry.drop_canary()
        progress(f"{reason}: the stable model stays")
    elif verdict.version != version:
        raise ModelRefused(f"expected a verdict on {version}, got one on {verdict.version}; run the gate again")
    else:
        registry.add(candidate)
        registry.keep_verdict(version, verdict.model_dump(mode="json"))
        digest = reference.data_digest(data_version, settings.data)
        reference.keep(registry, version, validation, digest, reference_dir)
        write_card(registry, version, settings, verdict, evaluation, validation)
        pushed, reason = version != stable, "already stable"
        if pushed:
            note = override.line if override else ""
            registry.set_canary(version, note)
            reason = "blessed by override" if override else "blessed"
            progress(f"{version} is the canary beside {stable}{f'; {note}' if note else ''}")
    servers, tracked = Servers.of(settings.tracking), {}
    if servers:
        stored = registry.path(version)
        record = tracked_version(
            package=stored if stored.exists() else candidate,
            uri=candidate_uri,
            verdict=verdict,
            evaluation=evaluation,
            settings=settings,
            data_version=data_version,
        )
        tracked = servers.register(record)
    outcome = PushOutcome(
        pushed=pushed,
        outcome=verdict.outcome,
        version=version,
        blessed=verdict.blessed,
        stable=stable,
        replaces=stable,
        reason=reason,
        override=override,
        tracked=tracked,
    )
    outcome.write(outcome_file)
    if run_name:
        outcome.write(registry.outcome(run_name))
    write_text(card_file, page(outcome, registry, first))
    return outcome


def roles_of(namespace: str) -> Callable[[], Roles[str]] | None:
    """What reads the roles of the service in this namespace; None where it is empty."""
    if not namespace:
        return None
    from components.inference_service.cluster_client import Cluster

    return Cluster(namespace).roles
