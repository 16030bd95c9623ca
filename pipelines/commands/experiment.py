"""`aisle experiment ACTION`. Exit 0: done; 1: the split cannot be trusted; 2: bad input."""

import argparse
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.errors import InputError
from pipelines.arguments import number, writable_file

if TYPE_CHECKING:
    from components.rollout.experiment.analysis import Reading
    from components.rollout.experiment.estimate import Effect
    from components.rollout.experiment.size import Baseline
    from tfx_configs.labels import LabelSettings

DOES = {
    "experiment": "compare two versions by shopper: plan how many it takes, read the result",
    "size": "how many shoppers and days it takes to see an effect",
    "read": "who was exposed, whether the split can be trusted, the effect; exit 1 if it cannot be trusted",
    "offpolicy": "what other draws of the re-ranker would have earned, from a request log with propensities",
}


def experiment_commands(commands: Any) -> None:
    """Adds `experiment` and its actions to the subparsers of `aisle`."""
    parser = commands.add_parser("experiment", help=DOES["experiment"], description=DOES["experiment"])
    actions = parser.add_subparsers(metavar="ACTION", required=True)

    size = actions.add_parser("size", help=DOES["size"], description=DOES["size"])
    size.add_argument("--baseline-from", metavar="LOG", help="request log of a version outside an experiment")
    _span(size, "with --baseline-from: ", required=False)
    size.add_argument("--mean", type=number, help="hits per trip, instead of a log")
    size.add_argument("--sd", type=number, help="with --mean: standard deviation of a shopper's hits per trip")
    size.add_argument("--rho", type=number, default=0.0, help="with --mean: correlation with the shopper's past")
    size.add_argument(
        "--relative-effect", type=number, default=0.02, help="effect to detect, as a share of the mean (%(default)s)"
    )
    size.add_argument("--power", type=number, default=0.8, help="probability of detecting it (%(default)s)")
    _plan(size)
    size.set_defaults(command=_size)

    read = actions.add_parser("read", help=DOES["read"], description=DOES["read"])
    read.add_argument("log", metavar="LOG", help="directory of a request log, or s3://bucket/path (docs/serving.md)")
    read.add_argument("--control", required=True, metavar="VERSION", help="the version to compare with")
    read.add_argument("--treatment", required=True, metavar="VERSION", help="the version on trial")
    _span(read, "", required=True)
    _plan(read)
    read.add_argument("--final", action="store_true", help="this is the one planned look: its interval decides")
    read.add_argument("--json", type=Path, metavar="FILE", help="also write the whole result to this file")
    read.set_defaults(command=_read)
    _add_offpolicy(actions)


def _add_offpolicy(actions: Any) -> None:
    parser = actions.add_parser("offpolicy", help=DOES["offpolicy"], description=DOES["offpolicy"])
    parser.add_argument("log", metavar="LOG", help="directory of a request log, or s3://bucket/path (docs/serving.md)")
    parser.add_argument("--version", required=True, help="whose answers are counted; its scores are probabilities")
    _span(parser, "", required=True)
    parser.add_argument("--explore-percent", type=number, default=0.0, help="answers with a draw (%(default)s)")
    parser.add_argument("--explore-place", type=int, default=10, help="the place that is drawn for (%(default)s)")
    parser.add_argument("--explore-pool", type=int, default=50, help="ranks that the draw is among (%(default)s)")
    parser.set_defaults(command=_offpolicy)


def _offpolicy(options: argparse.Namespace) -> int:
    """Prints the estimate of the re-rank policy of the `--explore-*` options; returns the exit code."""
    from pipelines.local.off_policy_analysis import compare_policy, comparison_lines
    from tfx_configs.rerank import RerankSettings

    since_s, until_s = _moments(options)
    assert since_s is not None, "--since is required"
    policy = RerankSettings(
        explore_percent=options.explore_percent,
        explore_place=options.explore_place,
        explore_pool=options.explore_pool,
    )
    found = compare_policy(
        options.log, options.tables, since_s, until_s, options.version, policy, labels=_labels(options)
    )
    print("\n".join(comparison_lines(found, options.version)))
    return 0


def _span(parser: argparse.ArgumentParser, when: str, required: bool) -> None:
    """`when`: begins the help of what goes with a log. `required`: there always is one."""
    parser.add_argument(
        "--tables", type=Path, required=required, metavar="DIR", help=f"{when}canonical tables with the purchases"
    )
    parser.add_argument(
        "--outcomes",
        default="purchase",
        metavar="TYPE,TYPE",
        help=f"{when}event types that count as hits, as in the versions' labels.positive_types (%(default)s)",
    )
    start = (
        "start, from which on the share has been the same" if required else "start (default: half of the log's span)"
    )
    parser.add_argument("--since", required=required, metavar="TIME", help=f"{when}RFC 3339; {start}")
    parser.add_argument("--until", metavar="TIME", help=f"{when}RFC 3339; end (default: the log's end)")


def _plan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--share", type=number, default=50.0, help="percent of shoppers who get the treatment (%(default)s)"
    )
    parser.add_argument(
        "--alpha", type=number, default=0.05, help="probability that an interval misses the truth (%(default)s)"
    )


def _size(options: argparse.Namespace) -> int:
    from components.rollout.experiment.size import Baseline
    from pipelines.local.experiment_analysis import days, size_baseline

    plan = (options.relative_effect, options.power, options.alpha, options.share)
    _check_plan(*plan)
    visits: dict[str, Any] | None = None
    if options.baseline_from is not None:
        if options.tables is None:
            raise InputError("expected --tables DIR with --baseline-from, got none; hits are items that were bought")
        found, visits = size_baseline(options.baseline_from, options.tables, *_moments(options), _labels(options))
    elif options.mean is None or options.sd is None:
        raise InputError("expected --baseline-from LOG, or --mean and --sd, got neither")
    else:
        if options.mean <= 0 or options.sd <= 0 or not 0 <= options.rho < 1:
            raise InputError("expected --mean and --sd above 0, --rho from 0 to below 1")
        found = Baseline(mean=options.mean, sd=options.sd, rho=options.rho)
    try:
        lines = list(size_lines(found, plan, lambda rho: days(visits, *plan, rho) if visits else None))
    except OverflowError:
        raise InputError(
            "expected an effect that can be seen, got one that takes more shoppers than can be counted"
        ) from None
    print("\n".join(lines))
    return 0


def _read(options: argparse.Namespace) -> int:
    from model.files import write_json
    from pipelines.local.experiment_analysis import read_experiment
    from tfx_configs.experiment import ExperimentSettings

    writable_file("--json", options.json)
    since_s, until_s = _moments(options)
    assert since_s is not None, "--since is required"
    settings = ExperimentSettings(share_percent=options.share, alpha=options.alpha)
    versions = (options.control, options.treatment)
    place = (options.log, options.tables, since_s, until_s)
    found = read_experiment(*place, *versions, settings, options.final, _labels(options))
    for line in reading_lines(found, options.alpha, options.final):
        print(line)
    if options.json is not None:
        write_json(options.json, dataclasses.asdict(found))
    return 1 if found.decision == "mismatch" else 0


def _moments(options: argparse.Namespace) -> tuple[float | None, float | None]:
    from components.monitor.kfp_steps import moment_s

    given = {"--since": options.since, "--until": options.until}
    since, until = (None if text is None else moment_s(text, name) for name, text in given.items())
    if since is not None and until is not None and since >= until:
        raise InputError(f"--until: expected a time after --since {options.since}, got {options.until}")
    return since, until


def _labels(options: argparse.Namespace) -> "LabelSettings":
    from tfx_configs.labels import LabelSettings

    return LabelSettings(positive_types=tuple(options.outcomes.split(",")))


def _check_plan(effect: float, power: float, alpha: float, share: float) -> None:
    if effect <= -1 or effect == 0:
        raise InputError(f"--relative-effect: expected above -1 and not 0, got {effect:g}; 0.02 is two percent")
    if not (0.5 < power < 1 and 0 < alpha <= 0.5 and 0 < share < 100):
        raise InputError("expected --power in (0.5, 1), --alpha in (0, 0.5], --share between 0 and 100")


def size_lines(found: "Baseline", plan: tuple[float, float, float, float], days: Any) -> Iterator[str]:
    """What the terminal shows. `days`: rho -> days, or None where nothing can be said of them."""
    from components.rollout.experiment.size import shoppers_needed

    effect, power, alpha, share = plan
    measured = f", measured on {found.shoppers:,} shoppers" if found.shoppers else ""
    yield f"{found.mean:.4f} hits per trip, sd {found.sd:.4f} by shopper, rho {found.rho:.2f} with their past{measured}"
    yield f"To see {100 * effect:+g} % with power {power:g}, alpha {alpha:g}, {share:g} % of shoppers treated:"
    yield f"{'':28} {'control':>10} {'treatment':>10}   days"
    for name, rho in (("as it is", 0.0), ("with the variance reduction", found.rho)):
        control, treatment = shoppers_needed(found, effect, power, alpha, share, rho)
        told = days(rho)
        last = f"{told:>6,}" if told else "more than the log has" if found.shoppers else "     –"
        yield f"{name:28} {control:>10,} {treatment:>10,} {last}"


def reading_lines(found: "Reading", alpha: float, final: bool) -> Iterator[str]:
    """What the terminal shows of an experiment."""
    split = found.split
    yield f"{'':10} {'exposed':>9} {'shoppers':>9} {'visits':>9} {'hits/visit':>11} {'adjusted':>10}"
    sides = (("control", found.control, split.control), ("treatment", found.treatment, split.treatment))
    for side, version, exposed in sides:
        arm = getattr(found.adjusted, side) if found.adjusted else None
        rest = f"{arm.shoppers:>9,} {arm.trips:>9,} {arm.mean:>11.4f} {arm.adjusted:>10.4f}" if arm else ""
        yield f"{side:10} {exposed:>9,} {rest}  {version}".rstrip()
    yield (
        f"declared {split.declared_percent:g} % treated: p {split.p_value:.3g}, looked at all the time "
        f"{split.always_valid_p:.3g}; {split.both_percent:.2f} % saw both versions"
    )
    for why, count in found.left_out.items():
        yield f"left out: {count:,} {why}"
    for alarm in split.alarms:
        yield f"MISMATCH: {alarm}"
    for name, one in (("as it is", found.plain), ("variance reduced", found.adjusted)):
        if one is not None:
            yield f"{name:17} {_effect(one, alpha)}"
    counted = "the planned look" if final else "looked at all the time"
    yield f"decision: {found.decision}" + ("; no estimate is given" if split.alarms else f" ({counted})")


def _effect(found: "Effect", alpha: float) -> str:
    def percent(ratio: float) -> str:
        return f"{100 * (ratio - 1):+.1f} %" if ratio < 100 else "unknown"

    return (
        f"{percent(found.ratio)}, {100 * (1 - alpha):g} % interval {percent(found.low)} to {percent(found.high)}, "
        f"always valid {percent(found.always_low)} to {percent(found.always_high)}"
        + (f"; the past explains {100 * found.rho_squared:.0f} % of the variance" if found.rho_squared else "")
    )
