"""What trackers get to know of a version: where it is, what it was made from, how it was judged."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from components.artifacts.evaluation import Evaluation
from components.artifacts.verdict import Verdict
from components.inference_service.traffic import s3_uri
from components.tracking.tracked import TrackedVersion
from model.errors import InputError
from model.files import combined_digest, file_digest
from model.package.manifest import NAME, read_manifest
from tfx_configs.settings import RunSettings
from tfx_configs.tracking import TrackingSettings


def tracked_version(
    *,
    package: Path,
    uri: str,
    verdict: Verdict,
    evaluation: Path,
    settings: RunSettings,
    data_version: str,
) -> TrackedVersion:
    """The record of the version in `package`.

    Args:
        package: the model directory.
        uri: of KFP's artifact; where that is a path of this machine, the address is the directory's.
        evaluation: what evaluate wrote; without a readable one there are no metrics.
    """
    manifest, measured = read_manifest(package), Evaluation()
    with suppress(InputError):
        measured = Evaluation.load(evaluation)
    facts = {
        "verdict": verdict.outcome,
        "verdict_line": verdict.headline,
        "cut": manifest.version[:10],
        "manifest_sha256": file_digest(package / NAME),
        "data_version": data_version,
        "code_version": verdict.code_version,
        "settings_digest": settings_digest(settings),
        "judged_trips": str(measured.trips or ""),
        "judged_from": measured.span.first,
        "judged_to": measured.span.last,
        "task": manifest.task,
    }
    return TrackedVersion(
        version=manifest.version,
        package=s3_uri(uri) if "://" in uri else package.absolute().as_uri(),
        blessed=verdict.blessed,
        facts={name: value for name, value in facts.items() if value},
        metrics=dict(_metrics(measured)),
    )


def settings_digest(settings: RunSettings) -> str:
    """Identifies the settings of a run, regardless of who is informed of it."""
    return combined_digest(settings.replace(tracking=TrackingSettings()).model_dump(mode="json"))[:16]


def _metrics(evaluation: Evaluation) -> Iterator[tuple[str, float]]:
    """The candidate's means, the ends of their 95 % intervals, and its paired differences from the others, percent."""
    yield from evaluation.defined.items()
    for name, ends in evaluation.intervals.get(evaluation.candidate, {}).items():
        if ends.low is not None and ends.high is not None:
            yield f"{name} low", ends.low
            yield f"{name} high", ends.high
    for other, deltas in evaluation.paired.items():
        for name, delta in deltas.items():
            if delta.interval:
                over = f"{name} over {other} percent"
                yield over, delta.interval.delta_pct
                yield f"{over} low", delta.interval.low_pct
                yield f"{over} high", delta.interval.high_pct
