"""`aisle experiment ACTION`. Exit 0: done; 1: the split cannot be trusted; 2: bad input."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from model.errors import InputError
from pipelines.commands.options import LOG_HELP, NUMBER

if TYPE_CHECKING:
    from tfx_configs.labels import LabelSettings

app = typer.Typer(help="Compare two versions by shopper: plan, read the result.")
TABLES = "canonical tables with the purchases"
SINCE = "RFC 3339; start"
Outcomes = Annotated[
    str, Option(metavar="TYPE,TYPE", help="event types that count as hits, as in the versions' labels.positive_types")
]
Until = Annotated[str | None, Option(metavar="TIME", help="RFC 3339; end (default: the log's end)")]
SharePercent = Annotated[float, Option("--share", help="percent of shoppers who get the treatment", **NUMBER)]
Alpha = Annotated[float, Option(help="probability that an interval misses the truth", **NUMBER)]


@app.command()
def size(
    baseline_from: Annotated[
        str | None, Option(metavar="LOG", help="request log of a version outside an experiment")
    ] = None,
    tables: Annotated[Path | None, Option(metavar="DIR", help=f"with --baseline-from: {TABLES}")] = None,
    outcomes: Outcomes = "purchase",
    since: Annotated[str | None, Option(metavar="TIME", help=f"{SINCE} (default: half of the log's span)")] = None,
    until: Until = None,
    mean: Annotated[float | None, Option(help="hits per trip, instead of a log", **NUMBER)] = None,
    sd: Annotated[
        float | None, Option(help="with --mean: standard deviation of a shopper's hits per trip", **NUMBER)
    ] = None,
    rho: Annotated[float, Option(help="with --mean: correlation with the shopper's past", **NUMBER)] = 0.0,
    relative_effect: Annotated[float, Option(help="effect to detect, as a share of the mean", **NUMBER)] = 0.02,
    power: Annotated[float, Option(help="probability of detecting it", **NUMBER)] = 0.8,
    share: SharePercent = 50.0,
    alpha: Alpha = 0.05,
) -> int:
    """Print how many shoppers and days an effect takes."""
    from components.rollout.experiment.size import Baseline, Visits, days_needed, shoppers_needed
    from pipelines.commands.output import text
    from pipelines.local.experiment_analysis import size_baseline

    plan = (relative_effect, power, alpha, share)
    _check_plan(*plan)
    visits: Visits | None = None
    if baseline_from is not None:
        if tables is None:
            raise InputError("expected --tables DIR with --baseline-from, got none; hits are items that were bought")
        baseline, visits = size_baseline(baseline_from, tables, *_span(since, until), _labels(outcomes))
    elif mean is None or sd is None:
        raise InputError("expected --baseline-from LOG, or --mean and --sd, got neither")
    else:
        if mean <= 0 or sd <= 0 or not 0 <= rho < 1:
            raise InputError("expected --mean and --sd above 0, --rho from 0 to below 1")
        baseline = Baseline(mean=mean, sd=sd, rho=rho)
    rhos = {"as it is": 0.0, "with the variance reduction": baseline.rho}
    try:
        rows = [
            (name, shoppers_needed(baseline, *plan, rho), visits and days_needed(visits, *plan, rho))
            for name, rho in rhos.items()
        ]
    except OverflowError:
        raise InputError(
            "expected an effect that can be seen, got one that takes more shoppers than can be counted"
        ) from None
    print(text("size", baseline=baseline, effect=relative_effect, power=power, alpha=alpha, share=share, rows=rows))
    return 0


@app.command()
def read(
    log: Annotated[str, Argument(metavar="LOG", help=LOG_HELP)],
    control: Annotated[str, Option(metavar="VERSION", help="the version to compare with")],
    treatment: Annotated[str, Option(metavar="VERSION", help="the version on trial")],
    tables: Annotated[Path, Option(metavar="DIR", help=TABLES)],
    since: Annotated[str, Option(metavar="TIME", help=f"{SINCE}, from which on the share has been the same")],
    until: Until = None,
    outcomes: Outcomes = "purchase",
    share: SharePercent = 50.0,
    alpha: Alpha = 0.05,
    final: Annotated[bool, Option("--final", help="this is the one planned evaluation: its interval decides")] = False,
    json: Annotated[Path | None, Option(metavar="FILE", help="also write the whole result to this file")] = None,
) -> int:
    """Print the exposed shoppers, alarms of the split, and the effect.

    Exit 1 if the split cannot be trusted.
    """
    from model.files import write_json
    from pipelines.arguments import writable_file
    from pipelines.commands.output import text
    from pipelines.local.experiment_analysis import read_experiment
    from tfx_configs.experiment import ExperimentSettings

    writable_file("--json", json)
    since_s, until_s = _span(since, until)
    assert since_s is not None, "--since is required"
    settings = ExperimentSettings(share_percent=share, alpha=alpha)
    place = (log, tables, since_s, until_s)
    reading = read_experiment(*place, control, treatment, settings, final, _labels(outcomes))
    print(text("reading", reading=reading, alpha=alpha, final=final))
    if json is not None:
        write_json(json, dataclasses.asdict(reading))
    return 1 if reading.decision == "mismatch" else 0


@app.command()
def offpolicy(
    log: Annotated[str, Argument(metavar="LOG", help=LOG_HELP)],
    version: Annotated[str, Option(metavar="VERSION", help="whose answers count; its scores are probabilities")],
    tables: Annotated[Path, Option(metavar="DIR", help=TABLES)],
    since: Annotated[str, Option(metavar="TIME", help=SINCE)],
    until: Until = None,
    outcomes: Outcomes = "purchase",
    explore_percent: Annotated[float, Option(help="answers with a draw, percent", **NUMBER)] = 0.0,
    explore_place: Annotated[int, Option(help="the place that is drawn for")] = 10,
    explore_pool: Annotated[int, Option(help="ranks that the draw is among")] = 50,
) -> int:
    """Estimate what other draws of the re-ranker would have earned.

    From a request log with propensities.
    """
    from model.evaluation.off_policy import MIN_EFFECTIVE
    from pipelines.commands.output import text
    from pipelines.local.experiment_analysis import compare_policy
    from tfx_configs.rerank import RerankSettings

    since_s, until_s = _span(since, until)
    assert since_s is not None, "--since is required"
    policy = RerankSettings(explore_percent=explore_percent, explore_place=explore_place, explore_pool=explore_pool)
    comparison = compare_policy(log, tables, since_s, until_s, version, policy, labels=_labels(outcomes))
    print(text("off_policy", c=comparison, version=version, min_effective=MIN_EFFECTIVE))
    return 0


def _span(since: str | None, until: str | None) -> tuple[float | None, float | None]:
    """Both as seconds since 1970. Raises InputError on one that is no time, or an end before the start."""
    from components.monitor.run import moment_s

    since_s = None if since is None else moment_s(since, "--since")
    until_s = None if until is None else moment_s(until, "--until")
    if since_s is not None and until_s is not None and since_s >= until_s:
        raise InputError(f"--until: expected a time after --since {since}, got {until}")
    return since_s, until_s


def _labels(outcomes: str) -> "LabelSettings":
    from tfx_configs.labels import LabelSettings

    return LabelSettings(positive_types=tuple(outcomes.split(",")))


def _check_plan(effect: float, power: float, alpha: float, share: float) -> None:
    if effect <= -1 or effect == 0:
        raise InputError(f"--relative-effect: expected above -1 and not 0, got {effect:g}; 0.02 is two percent")
    if not (0.5 < power < 1 and 0 < alpha <= 0.5 and 0 < share < 100):
        raise InputError("expected --power in (0.5, 1), --alpha in (0, 0.5], --share between 0 and 100")
