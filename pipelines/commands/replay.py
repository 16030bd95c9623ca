"""`aisle replay`: were the answers in a request log those of this model?"""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from model.errors import InputError
from pipelines.commands.options import LOG_HELP, NUMBER, Rules

SHOWN = 5
"""Requests that differ are named up to this many."""


def replay(
    log: Annotated[str, Argument(metavar="LOG", help=LOG_HELP)],
    model: Annotated[Path, Option(metavar="DIR", help="directory of the model that gave the answers")],
    rules: Rules = None,
    tolerance: Annotated[float, Option(help="scores this close count as equal", **NUMBER)] = 1e-6,
) -> int:
    """Repeat the requests of a request log on a model.

    Exit 1 if an answer is not the logged one.
    """
    from model.package.request_replay import COLUMNS
    from model.package.request_replay import replay as repeat
    from model.request_log.reader import read
    from pipelines.arguments import model_in, quiet

    if tolerance < 0:
        raise InputError(f"--tolerance: expected 0 or more, got {tolerance:g}")
    model_in("--model", model, rules)
    rows = read(log, columns=COLUMNS, also=("bulk",))
    if not len(rows):
        raise InputError(f"{log}: expected answers in the request log, found none")
    with quiet():
        from model.package.loaded_model import load

        result = repeat(rows, load(model, rules), tolerance)
    agree = result.compared - len(result.differing)
    print(f"{agree:,} of {result.compared:,} answers agree; scores differ by at most {result.largest:.1e}")
    for reason, count in result.left_out.items():
        print(f"left out: {count:,} {reason}")
    if result.differing:
        more = f" and {len(result.differing) - SHOWN:,} more" if len(result.differing) > SHOWN else ""
        print(f"differ: {', '.join(result.differing[:SHOWN])}{more}")
    return 1 if result.differing else 0
