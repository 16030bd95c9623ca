"""`aisle replay`: were the answers in a request log those of this model?"""

import argparse
from pathlib import Path

REPLAY_DOES = "asks a request log's requests again of a model; exit 1 when an answer is not the one logged"
SHOWN = 5
"""Requests that differ are named up to this many."""


def replay_options(parser: argparse.ArgumentParser) -> None:
    """What `aisle replay` takes."""
    parser.add_argument("log", metavar="LOG", help="directory of a request log, or s3://bucket/path (docs/serving.md)")
    parser.add_argument("--model", type=Path, required=True, metavar="DIR", help="model directory that served it")
    parser.add_argument("--rules", type=Path, help="rules file that it served with, in place of its own")
    parser.add_argument(
        "--tolerance", type=float, default=1e-6, help="largest difference of a score that counts as equal (%(default)s)"
    )
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Prints how many answers agree; 1 when one does not. Raises InputError when there is nothing to compare."""
    from model.package import load
    from model.replay import COLUMNS, replay
    from model.request_log import read

    rows = read(options.log, columns=COLUMNS)
    found = replay(rows, load(options.model, options.rules), options.tolerance)
    agree = found.compared - len(found.differing)
    print(f"{agree:,} of {found.compared:,} answers agree; largest difference of a score {found.largest:.1e}")
    for why, count in found.left_out.items():
        print(f"left out: {count:,} {why}")
    if found.differing:
        more = f" and {len(found.differing) - SHOWN:,} more" if len(found.differing) > SHOWN else ""
        print(f"differ: {', '.join(found.differing[:SHOWN])}{more}")
    return 1 if found.differing else 0
