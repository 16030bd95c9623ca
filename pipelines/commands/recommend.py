"""`aisle recommend`: a list for each shopper in one file, for mail and CRM."""

import os
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from typer import Option

from model.errors import InputError
from pipelines.commands.options import DEMO_RUN, Rules, RunDirectory
from tfx_configs.units import DAY_S

OLD_DAYS = 30
"""Days between the newest purchase and the moment of the lists from which on the command warns."""


def recommend(
    users: Annotated[
        str,
        Option(metavar="FILE|all", help="Parquet or CSV with a column user_id, text with an id a line, or all"),
    ],
    out: Annotated[str, Option("--out", metavar="FILE", help="Parquet file to write, or s3://bucket/path")],
    run: RunDirectory = DEMO_RUN,
    model: Annotated[
        Path | None, Option(metavar="DIR", help="a model directory (default: the stable model of --run)")
    ] = None,
    store: Annotated[
        str | None,
        Option(metavar="STORE", help="event store, a directory or redis://host:port/database (default: that of --run)"),
    ] = None,
    as_of: Annotated[
        str, Option(metavar="TIME", help="RFC 3339; lists of what was bought before it (default: now)")
    ] = "",
    k: Annotated[int, Option(help="items of a list")] = 10,
    k_new: Annotated[int, Option(help="items of a second list, of what the shopper never bought")] = 0,
    new_only: Annotated[bool, Option("--new-only", help="one list, of what the shopper never bought")] = False,
    rules: Rules = None,
    request_log: Annotated[
        str, Option(metavar="LOG", help="log a row for each list to this directory, or s3://bucket/path")
    ] = "",
) -> int:
    """Write a list for each shopper to one Parquet file.

    The lists are those that the server answers at the same moment: the same model, rules and checks.
    A shopper that the store does not have gets the list of a stranger.
    """
    from components.recommend.run import ListSettings, make_lists
    from model.serving.history.store import open_existing
    from pipelines.arguments import model_in, quiet, writable_directory, writable_file
    from pipelines.commands.output import text

    settings = ListSettings(k=k, k_new=k_new, new_only=new_only or None, as_of=as_of)
    settings.query(0)
    if "://" not in out:
        writable_file("--out", Path(out))
    if request_log and "://" not in request_log:
        writable_directory("--request-log", Path(request_log))
    directory, name = model or _stable(run), store or str(_store(run))
    model_in("--model" if model else "--run", directory, rules)
    with closing(open_existing(name, os.environ.get("REDIS_PASSWORD"))) as histories:
        print(f"{directory.name}: loading, some ten seconds", flush=True)
        with quiet():
            from model.package.loaded_model import load

            loaded = load(directory, rules)
        made = make_lists(loaded, histories, users, out, settings, request_log, _print_progress)
    if sys.stdout.isatty():
        print()
    old_days = (made.time_s - made.newest_s) // DAY_S if made.newest_s else 0
    moment = datetime.fromtimestamp(made.time_s, UTC).isoformat()
    print(text("lists", made=made, out=out, moment=moment, old_days=old_days if old_days > OLD_DAYS else 0))
    return 0


def _stable(run: Path) -> Path:
    """Directory of the run's stable model."""
    from model.registry.model_registry import Registry
    from pipelines.local.run_directory import Paths

    registry = Registry(Paths(out=run.resolve()).registry)
    version = registry.state().stable
    if version is None:
        raise InputError(f"--run: expected a registry with a stable model in {run}, got none; or name --model")
    return registry.path(version)


def _store(run: Path) -> Path:
    from pipelines.local.run_directory import Paths

    return Paths(out=run.resolve()).store


def _print_progress(line: str) -> None:
    """On a terminal the line takes the place of the one before."""
    start, end = ("\r\x1b[K", "") if sys.stdout.isatty() else ("", "\n")
    print(f"{start}{line}", end=end, flush=True)
