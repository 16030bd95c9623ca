"""The monitor's baseline of each model that was pushed: ROOT/monitoring/references/VERSION."""

from pathlib import Path

from components.artifacts.push_outcome import PushOutcome
from components.kfp_support.markdown_table import as_markdown
from components.kfp_support.progress import progress
from components.monitor.data import baseline
from model.errors import InputError
from model.files import write_text
from model.registry.model_registry import Registry
from tfx_configs.monitoring import MonitorSettings
from tfx_configs.settings import RunSettings


def keep_baseline(
    run: RunSettings,
    *,
    registry: str,
    outcome: str,
    tables: str,
    examples: str,
    evaluation: str,
    validation: str,
    table: str,
) -> Path | None:
    """Build the baseline of the model that push took, with the monitor's default settings; returns its directory.

    None, and nothing is built, where push took none. An existing baseline is left as it is.

    Args:
        run: settings of the run that made the model.
        registry: root of the model registry.
        outcome: file with the outcome of push.
        tables, examples, evaluation, validation: directories of the stages' outputs.
        table: file for the outcome as Markdown.
    """
    pushed = PushOutcome.read(Path(outcome))
    path = _path(Registry(Path(registry)), pushed.version) if pushed.blessed else None
    if path is not None and not path.exists():
        baseline.build(
            tables=Path(tables),
            examples=Path(examples),
            out=path,
            run=run,
            settings=MonitorSettings(),
            evaluation=Path(evaluation),
            validation=Path(validation),
        )
        progress(f"{pushed.version}: the monitor's baseline is stored")
    write_text(Path(table), as_markdown("Reference for the monitor", {"kept": str(path or "")}))
    return path


def active(registry: Registry) -> Path:
    """Return the baseline of the stable model; before the first promotion, that of the canary.

    Raises InputError when neither has one.
    """
    state = registry.state()
    for version in filter(None, (state.stable, state.canary)):
        if _path(registry, version).exists():
            return _path(registry, version)
    raise InputError(
        f"{registry.root}: expected a model with a baseline for the monitor, found none; "
        "start one training run with aisle submit"
    )


def _path(registry: Registry, version: str) -> Path:
    return registry.root / "monitoring" / "references" / version
