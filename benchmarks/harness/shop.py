"""The Complete Journey as all benchmarks share it: its tables, the examples of each cut, and the models of the quality
benchmark, all in build/bench/quality."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.harness.result_file import RESULTS
from components.artifacts.examples import Examples
from components.examples.run import build_examples
from components.ingest.run import ingest
from model.data.catalog import Catalog
from model.data.time_split import day
from model.data.trips import Trips
from model.errors import InputError
from model.files import read_json, write_json
from tfx_configs.recipes import full
from tfx_configs.stages import ExamplesStage

CUTS = ("2017-10-09", "2017-11-06", "2017-12-04")
VALIDATION_CUT, VALIDATION_END = "2017-08-14", "2017-09-11"
"""Settings are chosen on the trips between them."""
SEEDS = (7, 8, 9)
"""All of them train at every cut."""
FOLDER = RESULTS / "quality"


def tables() -> Path:
    """The canonical tables, made where they are not there yet."""
    path = FOLDER / "tables"
    if not path.exists():
        ingest(data=full().data, tables_dir=path)
    return path


def examples(cut: str = CUTS[-1]) -> Path:
    """Examples as of the cut, made where they are not there yet."""
    path = FOLDER / cut / "examples"
    if not path.exists():
        moved = tables_as_of(tables(), FOLDER / cut / "tables", seconds(cut))
        build_examples(run=ExamplesStage.of(full(cut_date=cut)), tables_dir=moved, examples_dir=path)
        shutil.rmtree(moved)
    return path


def with_trips(trips: Trips, folder: Path) -> Path:
    """The last cut's examples with other trips, in an empty folder."""
    whole = Examples(examples())
    trips.save(folder / Trips.DIRECTORY)
    for same in (whole.directory / Catalog.DIRECTORY, whole.items):
        (folder / same.name).symlink_to(same.resolve())
    return folder


def model(cut: str = CUTS[-1]) -> Path:
    """The model directory of the quality benchmark's first seed. Raises InputError where there is none."""
    return _left(f"model-{SEEDS[0]}", cut)


def listed(name: str, cut: str = CUTS[-1]) -> np.ndarray:
    """[N, 20] items of one of its rankers. Raises InputError where there are none."""
    items: np.ndarray = np.load(_left(f"lists/{name}.npy", cut))
    return items


def _left(name: str, cut: str) -> Path:
    path = FOLDER / cut / name
    if not path.exists():
        raise InputError(f"{path}: expected what the quality benchmark makes, found none; run `make bench-quality`")
    return path


def tables_as_of(tables: Path, moved: Path, cut_s: int) -> Path:
    """Links to the tables with another cut; only the moment of the cut in ingest's report depends on it."""
    if not moved.exists():
        moved.mkdir(parents=True)
        for path in tables.iterdir():
            (moved / path.name).symlink_to(path.resolve())
        (moved / "ingest.json").unlink()
        write_json(moved / "ingest.json", read_json(tables / "ingest.json") | {"cut_s": cut_s, "cut": day(cut_s)})
    return moved


def seconds(date: str) -> int:
    """Midnight of YYYY-MM-DD, universal time, in unix seconds."""
    return int(pd.Timestamp(date, tz="UTC").timestamp())
