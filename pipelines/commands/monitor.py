"""`aisle monitor`. Exit 0: all checks passed; 1: one failed, or the gate refused what was trained; 2: bad input."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

if TYPE_CHECKING:
    from components.monitor.retraining.trigger import RetrainOutcome
from pipelines.commands.options import DEMO_RUN, RunDirectory
from tfx_configs.monitoring import Training


def monitor(
    run: RunDirectory = DEMO_RUN,
    now: Annotated[
        str | None, Option(metavar="TIME", help="RFC 3339, in the data's time (default: the log's last request)")
    ] = None,
    settings: Annotated[
        Path | None, Option(metavar="FILE", help="monitor.* of `aisle settings` as YAML or JSON (docs/monitoring.md)")
    ] = None,
    policy: Annotated[
        Path | None, Option(metavar="FILE", help="retrain.* of `aisle settings` as YAML or JSON (docs/retraining.md)")
    ] = None,
    changes: Annotated[
        list[str] | None,
        Option("--set", metavar="KEY=VALUE", help="change one setting, monitor.field=value or retrain.field=value"),
    ] = None,
    textfile: Annotated[Path | None, Option(metavar="FILE", help="also write Prometheus figures to this file")] = None,
    ask: Annotated[Training, Option(help="request a training run")] = "none",
    train: Annotated[bool, Option("--train", help="start the training run that is due, on this machine")] = False,
    fast: Annotated[bool, Option("--fast", help="skip TFDV's distances, which take some ten seconds")] = False,
) -> int:
    """Check a run's requests and purchases against its training.

    Exit 1 if a check fails.
    """
    from pipelines.arguments import settings_in, writable_file
    from tfx_configs.monitoring import MonitorSettings, MonitorStep, RetrainSettings
    from tfx_configs.overrides import assigned, layered

    files = {
        "monitor": settings_in("--settings", settings, MonitorSettings),
        "retrain": settings_in("--policy", policy, RetrainSettings),
    }
    step = MonitorStep.from_dict(layered(files, assigned(changes or ())))
    writable_file("--textfile", textfile)

    from components.monitor.run import moment_s
    from pipelines.commands.output import text
    from pipelines.demo import rewrite_report
    from pipelines.local.display import PIPELINE_STAGES, Display
    from pipelines.local.monitor_runs import monitor_run, retrain_run
    from pipelines.local.run_directory import Paths
    from pipelines.report.monitoring_section import allowed, between, number

    report = monitor_run(
        run,
        moment_s(now) if now else None,
        step.monitor,
        step.retrain,
        textfile=textfile,
        ask=ask,
        with_distances=not fast,
    )
    print(text("monitor", report=report, allowed=allowed, between=between, number=number))
    if Paths(out=run).summary.exists():
        print(f"Report: {rewrite_report(run)}    figures: {run / 'monitoring' / 'monitor.json'}")
    passed = not report.failed
    if train:
        with Display(PIPELINE_STAGES) as display:
            outcome = retrain_run(run, report, display, step.retrain)
        print(retrained(outcome))
        passed = passed and not (outcome.last and outcome.run and not outcome.last.blessed)
    return 0 if passed else 1


def retrained(outcome: "RetrainOutcome") -> str:
    """Return what `--train` did, in one line."""
    reasons, last = "; ".join(outcome.reasons), outcome.last
    if not outcome.run or last is None:
        return f"Nothing trained ({reasons})"
    how = "failed" if not last.ok else "blessed" if last.blessed else "refused by the gate"
    return f"{outcome.run}: {how} ({reasons})"
