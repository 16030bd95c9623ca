"""`aisle submit`. Exit 0: done, the run succeeded; 1: it failed, or was lost sight of; 2: bad input, host or rights."""

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from model.errors import InputError
from pipelines.arguments import number
from tfx_configs.units import HOUR_S

if TYPE_CHECKING:
    from tfx_configs.settings import RunSettings

SUBMIT_DOES = "send a pipeline to a KFP server: as one run, followed to its end, or on a schedule"
DEFAULT_HOST = "http://127.0.0.1:8888"
INTERRUPTED = 130
TRAINS = "cluster or --retrain"


def submit_options(parser: argparse.ArgumentParser) -> None:
    """What `aisle submit` takes."""
    parser.add_argument("--host", default=DEFAULT_HOST, help="address of KFP's API server or UI (%(default)s)")
    parser.add_argument("--ui-host", default="", help="address of KFP's UI, for links (default: --host)")
    parser.add_argument(
        "--token-file", type=Path, metavar="FILE", help="file with a bearer token, if the server wants one"
    )
    parser.add_argument("--pipeline", default="cluster", help="cluster, rollout or monitoring (%(default)s)")
    parser.add_argument("--experiment", default="aisle", help="KFP experiment (%(default)s)")
    parser.add_argument(
        "--name", default="", help="name of the run or schedule (default: the pipeline's; for a run, with the time)"
    )
    parser.add_argument(
        "--fast", action="store_true", help=f"{TRAINS}: short training, for trying out, not for quality"
    )
    parser.add_argument(
        "--data", default="", metavar="DIR", help=f"{TRAINS}: your own tables, at the path the pods see"
    )
    parser.add_argument(
        "--data-version", metavar="WORD", help="cluster: version of the tables in --data; a new word means new data"
    )
    parser.add_argument("--cut-date", metavar="DATE", help=f"{TRAINS}: first test day, YYYY-MM-DD")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="S.F=VALUE",
        help=f"{TRAINS}: change one setting, section.field=value",
    )
    parser.add_argument(
        "--retrain",
        action="store_true",
        help="monitoring: start the training runs that are due, with the settings given here",
    )
    parser.add_argument(
        "--param", action="append", default=[], metavar="NAME=VALUE", help="set a pipeline parameter directly"
    )
    parser.add_argument("--no-wait", action="store_true", help="start the run and do not follow it")
    parser.add_argument(
        "--timeout-s",
        type=number,
        default=6 * HOUR_S,
        help="follow the run for at most this long, seconds (%(default)s)",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--recurring", metavar="CRON", help="create or update a schedule instead of starting a run")
    what.add_argument("--list", action="store_true", help="list the server's schedules")
    what.add_argument("--disable", metavar="NAME", help="turn a schedule off; --recurring turns it on again")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Does what was asked; prints the link before it waits."""
    from components.kfp_support.server_client import KfpServer, read_token
    from pipelines.submission import compiled, cron_of, disable, follow, keep_schedule, parameters

    if options.timeout_s <= 0:
        raise InputError(f"--timeout-s: expected seconds above 0, got {options.timeout_s:g}")
    token = read_token(options.token_file) if options.token_file else None
    if options.list or options.disable:
        server = KfpServer(options.host, token, options.ui_host)
        shown = disable(server, options.disable) if options.disable else server.schedules()
        for one in shown:
            state = "disabled" if options.disable or not one.enabled else "enabled"
            print(f"{one.name:24} {state:9} {one.cron:20} {one.id}")
        return 0
    cron = cron_of(options.recurring) if options.recurring else ""
    with tempfile.TemporaryDirectory() as scratch:
        package = compiled(options.pipeline, Path(scratch))
        values = parameters(package, _given(options))
        server = KfpServer(options.host, token, options.ui_host)
        experiment = server.experiment(options.experiment)
        if cron:
            print(keep_schedule(server, experiment, options.name or package.name, package, values, cron))
            return 0
        name = options.name or f"{package.name} {time.strftime('%Y-%m-%d %H:%M:%S')}"
        started = server.start(experiment, name, package.path, values)
    print(f"{name}: {server.link(started)}", flush=True)
    if options.no_wait:
        return 0
    try:
        follow(server, started, package.titles, lambda line: print(line, flush=True), limit_s=options.timeout_s)
    except KeyboardInterrupt:
        print(f"no longer waiting; the run goes on: {server.link(started)}")
        return INTERRUPTED
    print("the run succeeded" + ("; the gate's verdict is in its step Gate" if options.pipeline == "cluster" else ""))
    return 0


def _given(options: argparse.Namespace) -> dict[str, str]:
    """{parameter: its text} of the command line, the settings of a training run among them."""
    pairs = [one.partition("=") for one in options.param]
    if wrong := [name for name, equals, _ in pairs if not equals]:
        raise InputError(f"expected --param NAME=VALUE, got {wrong[0]!r}")
    given = {name: value for name, _, value in pairs}
    if options.retrain:
        return _retraining(options) | given
    if options.pipeline == "cluster":
        return _training(options) | given
    if options.fast or options.data or options.data_version or options.cut_date or options.set:
        raise InputError(
            "--fast, --data, --data-version, --cut-date and --set go with --pipeline cluster or --retrain; use --param"
        )
    return given


def _retraining(options: argparse.Namespace) -> dict[str, str]:
    from pipelines.local.versions import code_version

    if options.pipeline != "monitoring":
        raise InputError(f"--retrain goes with --pipeline monitoring, got {options.pipeline}")
    if options.data_version:
        raise InputError("expected no --data-version with --retrain: each run takes the tables as they are then")
    return {"training": _run_settings(options).to_json(), "code_version": code_version()}


def _run_settings(options: argparse.Namespace) -> "RunSettings":
    from pipelines.submission import overridden
    from tfx_configs import recipes

    recipe = recipes.fast if options.fast else recipes.full
    return overridden(recipe(path=options.data, cut_date=options.cut_date), options.set)


def _training(options: argparse.Namespace) -> dict[str, str]:
    from components.train.current_models import EACH_RUN
    from pipelines.local.versions import code_version, data_version

    settings = _run_settings(options)
    version = options.data_version or (EACH_RUN if options.recurring else "")
    if not version and settings.data.path:
        raise InputError("expected --data-version with --data: the files are on the cluster; a date will do")
    return {
        "settings": settings.to_json(),
        "data_version": version or data_version(settings.data),
        "code_version": code_version(),
    }
