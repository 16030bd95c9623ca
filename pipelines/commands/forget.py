"""`aisle forget`: a shopper is taken out of everything that may hold one, and the proof of it."""

import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from model.errors import InputError
from pipelines.commands.options import DEMO_RUN, LOG_HELP, RunDirectory

if TYPE_CHECKING:
    from model.serving.history.store import HistoryStore


def forget(
    user_id: Annotated[
        str | None, Argument(metavar="ID", help="the shopper's id, taken as it is; none: with --expired alone")
    ] = None,
    run: RunDirectory = DEMO_RUN,
    store: Annotated[
        list[str] | None,
        Option(metavar="STORE", help="a further event store, redis://host:port/database or a directory"),
    ] = None,
    log: Annotated[list[str] | None, Option("--request-log", metavar="LOG", help=f"another {LOG_HELP}")] = None,
    prove: Annotated[bool, Option("--prove", help="change nothing: scan, and list where the id is")] = False,
    expired: Annotated[bool, Option("--expired", help="also delete tables and examples older than their days")] = False,
) -> int:
    """Forget a shopper, and scan for what is left.

    Event stores, request logs, monitoring and validation data.

    Exit 1 if the id is anywhere but under a retention that is not over (docs/forgetting.md).
    """
    from model.serving.v2_inputs import check_id
    from pipelines.forget import erase
    from pipelines.forget.scan import scan
    from pipelines.local.run_directory import alone

    if user_id is None and not expired:
        raise InputError("ID: expected the id of a shopper, or --expired alone, got neither")
    if user_id is not None:
        check_id("ID", user_id)
    if not run.is_dir():
        raise InputError(f"--run: expected the directory of a run, {run} is none")
    left = 0
    if user_id is not None and not prove:
        with alone(run):
            _erase(user_id, run, store or (), log or ())
    if expired:
        with alone(run):
            for path in erase.expire(run):
                print(f"{run / path}: deleted, its days are over")
    if user_id is None:
        return 0
    for name in store or ():
        with closing(_opened(name)) as opened:
            stored = any(key == user_id.encode() for key, _ in opened.records())
        left += stored
        print(f"{name}: {'still has the shopper' if stored else 'does not have the shopper'}")
    for place in log or ():
        rows = erase.rows_in_log(place, user_id)
        left += rows > 0
        print(f"{place}: {rows:,} rows of the shopper")
    for hit in scan(run, user_id):
        left += not hit.allowed
        until = f"until {hit.place.days} days old" if hit.allowed else "not allowed"
        print(f"{hit.path}: {hit.times:,} times, {hit.place.name}, {until}")
    print(f"{user_id} is left in {left} places" if left else f"{user_id} is in no place outside a retention")
    return 1 if left else 0


def _erase(user_id: str, run: Path, stores: Sequence[str], logs: Sequence[str]) -> None:
    """Takes the shopper out of what the run stores and out of the other places; prints what was there."""
    from pipelines.forget import erase

    for name in [*map(str, erase.stores_below(run)), *stores]:
        with closing(_opened(name)) as opened:
            deleted = erase.from_store(opened, user_id)
        print(f"{name}: {'deleted, and its files written again' if deleted else 'no such shopper'}")
    for place in logs:
        print(f"{place}: {erase.from_log(place, user_id):,} rows deleted")
    for path, rows in erase.from_run(run, user_id).items():
        print(f"{run / path}: {rows:,} rows deleted")
    for path in sorted({str(path.parent) for path in run.rglob("requests/*.journal")}):
        erase.from_log(path, user_id)


def _opened(name: str) -> "HistoryStore":
    from model.serving.history.store import open_store

    return open_store(name, 1, os.environ.get("REDIS_PASSWORD"))
