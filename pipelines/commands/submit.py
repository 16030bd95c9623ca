"""`aisle submit`. Exit 0: the run succeeded; 1: it failed, or its state is unknown; 2: bad input, host or rights."""

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import BadParameter, Option

from model.errors import INTERRUPTED, InputError
from pipelines.commands.options import NUMBER, Changes, Config, CutDate, Data, Fast, run_settings
from tfx_configs.units import HOUR_S

if TYPE_CHECKING:
    from tfx_configs.settings import RunSettings

DEFAULT_HOST = "http://127.0.0.1:8888"


def submit(
    host: Annotated[str, Option(metavar="URL", help="address of KFP's API server or UI")] = DEFAULT_HOST,
    ui_host: Annotated[str, Option(metavar="URL", help="address of KFP's UI, for links (default: --host)")] = "",
    token_file: Annotated[
        Path | None, Option(metavar="FILE", help="file with a bearer token, if the server wants one")
    ] = None,
    pipeline: Annotated[str, Option(metavar="NAME", help="cluster, rollout, monitoring or lists")] = "cluster",
    experiment: Annotated[str, Option(metavar="NAME", help="KFP experiment")] = "aisle",
    name: Annotated[
        str, Option(metavar="NAME", help="of the run or schedule (default: the pipeline's; for a run, with the time)")
    ] = "",
    data: Data = "",
    data_version: Annotated[
        str | None, Option(metavar="WORD", help="cluster: version of the tables in --data; a new word means new data")
    ] = None,
    cut_date: CutDate = None,
    fast: Fast = False,
    config: Config = None,
    changes: Changes = None,
    retrain: Annotated[
        bool, Option("--retrain", help="monitoring: start the training runs that are due, with the run's settings")
    ] = False,
    param: Annotated[list[str] | None, Option(metavar="NAME=VALUE", help="set a pipeline parameter directly")] = None,
    no_wait: Annotated[bool, Option("--no-wait", help="start the run and do not follow it")] = False,
    timeout_s: Annotated[float, Option(help="follow the run for at most this long, seconds", **NUMBER)] = 6.0 * HOUR_S,
    recurring: Annotated[
        str | None, Option(metavar="CRON", help="create or update a schedule instead of starting a run")
    ] = None,
    list_: Annotated[bool, Option("--list", help="list the server's schedules")] = False,
    disable: Annotated[
        str | None, Option(metavar="NAME", help="turn a schedule off; --recurring turns it on again")
    ] = None,
) -> int:
    """Send a pipeline to a KFP server.

    It runs once, and is followed to its end, or on a schedule.
    The settings of the run (--data, --cut-date, --fast, --config, --set) go with --pipeline cluster and with --retrain;
    --data is then the path that the pods see.
    """
    from components.kfp_support.server_client import KfpServer, read_token
    from pipelines import submission

    actions = {"--recurring": recurring is not None, "--list": list_, "--disable": disable is not None}
    if sum(actions.values()) > 1:
        both = " and ".join(option for option, is_set in actions.items() if is_set)
        raise BadParameter(f"expected one of {', '.join(actions)}, got {both}")
    if timeout_s <= 0:
        raise InputError(f"--timeout-s: expected seconds above 0, got {timeout_s:g}")
    token = read_token(token_file) if token_file else None
    if list_ or disable:
        server = KfpServer(host, token, ui_host)
        for schedule in submission.disable(server, disable) if disable else server.schedules():
            state = "disabled" if disable or not schedule.enabled else "enabled"
            print(f"{schedule.name:24} {state:9} {schedule.cron:20} {schedule.id}")
        return 0
    cron = submission.cron_of(recurring) if recurring else ""
    settings = partial(run_settings, data=data, cut_date=cut_date, fast=fast, config=config, changes=changes)
    values = _parameters(param or [])
    if retrain or pipeline == "cluster":
        values = _run_parameters(pipeline, retrain, data_version, recurring, settings) | values
    elif data_version or any(settings.keywords.values()):
        raise InputError(
            "--fast, --data, --data-version, --cut-date, --config and --set go with --pipeline cluster or --retrain; "
            "use --param"
        )
    with tempfile.TemporaryDirectory() as scratch:
        package = submission.compiled(pipeline, Path(scratch))
        typed = submission.parameters(package, values)
        server = KfpServer(host, token, ui_host)
        experiment_id = server.experiment(experiment)
        if cron:
            print(submission.keep_schedule(server, experiment_id, name or package.name, package, typed, cron))
            return 0
        name = name or f"{package.name} {time.strftime('%Y-%m-%d %H:%M:%S')}"
        started = server.start(experiment_id, name, package.path, typed)
    print(f"{name}: {server.link(started)}", flush=True)
    if no_wait:
        return 0
    try:
        submission.follow(server, started, package.titles, lambda line: print(line, flush=True), limit_s=timeout_s)
    except KeyboardInterrupt:
        print(f"no longer waiting; the run goes on: {server.link(started)}")
        return INTERRUPTED
    print("the run succeeded" + ("; the gate's verdict is in its step Gate" if pipeline == "cluster" else ""))
    return 0


def _parameters(pairs: list[str]) -> dict[str, str]:
    """{parameter: its text} of --param."""
    if wrong := [pair for pair in pairs if "=" not in pair]:
        raise InputError(f"expected --param NAME=VALUE, got {wrong[0]!r}")
    return {name: value for name, _, value in (pair.partition("=") for pair in pairs)}


def _run_parameters(
    pipeline: str, retrain: bool, version: str | None, recurring: str | None, settings: "Callable[..., RunSettings]"
) -> dict[str, str]:
    """{parameter: its text} of the settings of a training run, or of those that a monitor starts.

    `settings`: run_settings with the options of the command.
    """
    from components.train.current_models import EACH_RUN
    from pipelines.local.versions import data_version
    from tfx_configs.resources import CLUSTER_STEPS, MONITOR_STEPS, size_parameters

    if retrain and pipeline != "monitoring":
        raise InputError(f"--retrain goes with --pipeline monitoring, got {pipeline}")
    if retrain and version:
        raise InputError("expected no --data-version with --retrain: each run takes the tables as they are then")
    run = settings(on_cluster=True)
    if retrain:
        return {"training": run.to_json(), **size_parameters(run.sizes, MONITOR_STEPS)}
    version = version or (EACH_RUN if recurring else "")
    if not version and run.data.path:
        raise InputError("expected --data-version with --data: the files are on the cluster; a date will do")
    version = version or data_version(run.data)
    sizes = size_parameters(run.sizes, CLUSTER_STEPS)
    return {"settings": run.to_json(), "data_version": version, **sizes}
