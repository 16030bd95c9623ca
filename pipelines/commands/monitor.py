"""`aisle monitor`. Exit 0: all checks passed; 1: one failed, or what was trained is no good; 2: bad input."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.report.monitor_lines import lines

if TYPE_CHECKING:
    from components.monitor.retraining.trigger import RetrainOutcome

MONITOR_DOES = "check a run's request log and purchases against its training; exit 1 if a check fails"


def monitor_options(parser: argparse.ArgumentParser) -> None:
    """What `aisle monitor` takes."""
    parser.add_argument("--run", type=Path, default=Path("build/demo"), help="directory of a run (%(default)s)")
    parser.add_argument("--now", metavar="TIME", help="RFC 3339, in the data's time (default: the log's last request)")
    parser.add_argument("--settings", type=Path, metavar="FILE", help="MonitorSettings as JSON (docs/monitoring.md)")
    parser.add_argument("--textfile", type=Path, metavar="FILE", help="also write Prometheus figures to this file")
    parser.add_argument("--ask", default="none", metavar="HOW", help="request a training run: refresh, warm or scratch")
    parser.add_argument("--policy", type=Path, metavar="FILE", help="RetrainSettings as JSON (docs/monitoring.md)")
    parser.add_argument("--train", action="store_true", help="start the training run that is due, on this machine")
    parser.add_argument("--fast", action="store_true", help="skip TFDV's distances, which take some ten seconds")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Prints the checks, worst first; 1 when one failed."""
    from pipelines.arguments import settings_in, writable_file
    from tfx_configs.monitoring import MonitorSettings, RetrainSettings

    settings = settings_in("--settings", options.settings, MonitorSettings)
    policy = settings_in("--policy", options.policy, RetrainSettings)
    writable_file("--textfile", options.textfile)

    from components.monitor.run import moment_s, training
    from pipelines.demo import rewrite_report
    from pipelines.local.display import PIPELINE_STAGES, Display
    from pipelines.local.monitor_runs import monitor_run, retrain_run
    from pipelines.local.run_directory import Paths

    report = monitor_run(
        options.run,
        moment_s(options.now) if options.now else None,
        settings,
        policy,
        textfile=options.textfile,
        ask=training(options.ask),
        with_distances=not options.fast,
    )
    for line in lines(report):
        print(line)
    if Paths(out=options.run).summary.exists():
        print(f"Report: {rewrite_report(options.run)}    figures: {options.run / 'monitoring' / 'monitor.json'}")
    well = not report.failed
    if options.train:
        with Display(PIPELINE_STAGES) as display:
            outcome = retrain_run(options.run, report, display, policy)
        print(retrained(outcome))
        well = well and not (outcome.last and outcome.run and not outcome.last.blessed)
    return 0 if well else 1


def retrained(outcome: "RetrainOutcome") -> str:
    """Return what `--train` did, in one line."""
    reasons, last = "; ".join(outcome.reasons), outcome.last
    if not outcome.run or last is None:
        return f"Nothing trained ({reasons})"
    how = "failed" if not last.ok else "blessed" if last.blessed else "refused by the gate"
    return f"{outcome.run}: {how} ({reasons})"
