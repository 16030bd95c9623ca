"""Is Aisle safe in any shop? The default recipe in shops of different kinds, against every simple ranker.

`python -m benchmarks shops --shop NAME=PATH ...` runs `aisle train` as it comes at one cut after the other, the last
one first, until 1,000 trips are judged, and asks the model that would serve, and all baselines, about the same trips.
It does what is not there yet in build/bench/shops/NAME, and writes build/bench/shops.json after every cut, so it may
be ended and started again. Without `--shop` it takes the shops that are there, and The Complete Journey. PATH is
as in `aisle train --data`; for The Complete Journey it is empty.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.harness.result_file import RESULTS, write_result
from benchmarks.shops import result
from benchmarks.shops.shop import Shop
from components.kfp_support.progress import progress
from model.errors import InputError

FOLDER = RESULTS / "shops"
SEED = result.SEED
DEFAULT = "complete_journey"


def main(
    shop: Annotated[list[str] | None, typer.Option(metavar="NAME=PATH", help="a shop; may be repeated")] = None,
    report: Annotated[bool, typer.Option("--report", help="measure nothing")] = False,
) -> None:
    shops = [] if report else named(shop, FOLDER)
    write = _write
    for each in shops:
        for cut in each.missing():
            progress(f"{each.name}: {cut}")
            each.measure(cut)
            write()
    print(write())


def named(shops: Sequence[str] | None, folder: Path) -> list[Shop]:
    """Those of the command line; without any, those that are in the folder, and the default one.

    Raises InputError where one is not NAME=PATH.
    """
    if not shops:
        begun = {path.parent.name: Shop.load(path.parent) for path in sorted(folder.glob("*/shop.json"))}
        return list(({DEFAULT: Shop(name=DEFAULT, path="", folder=folder / DEFAULT)} | begun).values())
    pairs = [text.partition("=") for text in shops]
    for text, (name, equals, _) in zip(shops, pairs, strict=True):
        if not name.isidentifier() or not equals:
            raise InputError(f"expected --shop NAME=PATH with a name of letters, digits and _, got {text}")
    return [Shop(name=name, path=path, folder=folder / name) for name, _, path in pairs]


def _write() -> Path:
    return write_result("shops", {"shops": result.rows(FOLDER)}, SEED)
