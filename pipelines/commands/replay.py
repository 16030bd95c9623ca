"""`aisle replay`: were the answers in a request log those of this model?"""

import argparse
from pathlib import Path

from model.errors import InputError
from pipelines.arguments import model_in, number, quiet

REPLAY_DOES = "repeat a request log's requests on a model; exit 1 if an answer is not the logged one"
SHOWN = 5
"""Requests that differ are named up to this many."""


def replay_options(parser: argparse.ArgumentParser) -> None:
    """What `aisle replay` takes."""
    parser.add_argument("log", metavar="LOG", help="directory of a request log, or s3://bucket/path (docs/serving.md)")
    parser.add_argument(
        "--model", type=Path, required=True, metavar="DIR", help="directory of the model that gave the answers"
    )
    parser.add_argument("--rules", type=Path, metavar="FILE", help="business rules it served with, instead of its own")
    parser.add_argument("--tolerance", type=number, default=1e-6, help="scores this close count as equal (%(default)s)")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Prints how many answers agree; 1 when one does not. Raises InputError when there is nothing to compare."""
    from model.package.request_replay import COLUMNS, replay
    from model.request_log.reader import read

    if options.tolerance < 0:
        raise InputError(f"--tolerance: expected 0 or more, got {options.tolerance:g}")
    model_in("--model", options.model, options.rules)
    rows = read(options.log, columns=COLUMNS)
    if not len(rows):
        raise InputError(f"{options.log}: expected answers in the request log, found none")
    with quiet():
        from model.package.loaded_model import load

        found = replay(rows, load(options.model, options.rules), options.tolerance)
    agree = found.compared - len(found.differing)
    print(f"{agree:,} of {found.compared:,} answers agree; scores differ by at most {found.largest:.1e}")
    for why, count in found.left_out.items():
        print(f"left out: {count:,} {why}")
    if found.differing:
        more = f" and {len(found.differing) - SHOWN:,} more" if len(found.differing) > SHOWN else ""
        print(f"differ: {', '.join(found.differing[:SHOWN])}{more}")
    return 1 if found.differing else 0
