"""DuckDB and Spark make the same rows of the same tables, and report the same of damaged files."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from components.engines.engine import open_engine
from components.examples.run import build_examples
from components.ingest.run import ingest
from model.data import columns as c
from model.errors import InputError
from model.files import tree_digests
from tests.worlds import at, market, run_settings, write
from tfx_configs.settings import DataSettings

ROOT = Path(__file__).parents[3]
ENGINES = ("duckdb", "spark")
TABLES = ("events", "items.parquet", "users.parquet", "promotions.parquet")
KEY = {c.USER, c.BASKET, c.ITEM, c.EVENT_TYPE}

needs_spark = pytest.mark.needs("java", "pyspark")


def dirty() -> dict[str, pd.DataFrame]:
    """A market whose tables have, each at least once, what real ones have; rows in no order."""
    world = market()
    clean = world["events"].assign(**{c.QUANTITY: 1.0, c.EVENT_TYPE: c.PURCHASE})
    first = clean.iloc[:40]
    events = pd.concat(
        [
            clean,
            first.iloc[:10],  # the same lines again
            first.iloc[10:20].assign(
                **{c.QUANTITY: [0.1 * i for i in range(1, 11)], c.PRICE: 1 / 3}
            ),  # must be rounded
            first.iloc[20:24].assign(**{c.BASKET: "b-tie"}),  # another basket at the same moment
            first.iloc[24:27].assign(**{c.ITEM: [None, "", "i39"]}),
            first.iloc[27:30].assign(**{c.QUANTITY: [0.0, -1.0, np.inf]}),
            first.iloc[30:33].assign(**{c.PRICE: [np.nan, np.inf, None]}),
            first.iloc[33:35].assign(**{c.STORE: None}),
            first.iloc[35:37].assign(**{c.EVENT_TYPE: ["view", "return"]}),
            first.iloc[37:39].assign(**{c.TIME: [pd.NaT, at(99.5)], c.ITEM: "sold, not listed"}),
            clean.iloc[100:104].assign(
                **{c.EVENT_TYPE: [None, "", "cart", "purchase"], c.QUANTITY: [1.0, 1.0, None, -2.0]}
            ),
            clean.iloc[104:108].assign(**{c.BASKET: [None, None, "", "b-late"], c.EVENT_TYPE: "view", c.ITEM: "i07"}),
        ]
    )
    events[c.TIME] += pd.to_timedelta(np.arange(len(events)) % 3 * 501, unit="ns")  # half a microsecond, and one
    items = world["items"].assign(size=[None, "", "1 kg", "né"] * 10, code=[f"{i % 9:03d}" for i in range(40)])
    items = pd.concat([items, items.iloc[:3].assign(department="d9"), items.iloc[:1].assign(**{c.ITEM: None})])
    users = pd.concat([world["users"].assign(age=["20", None, "40"] * 5), world["users"].iloc[:1].assign(age="99")])
    promotions = pd.concat([world["promotions"], world["promotions"].iloc[:2]])
    promotions.iloc[2, promotions.columns.get_loc(c.STORE)] = None
    promotions = pd.concat([promotions, promotions.iloc[:3].assign(**{c.END: [at(80), at(90), pd.NaT]})])
    tables = {"events": events, "items": items, "users": users, "promotions": promotions}
    return {name: table.sample(frac=1, random_state=1) for name, table in tables.items()}


def as_parquet(folder: Path) -> None:
    write(folder, **dirty())


def as_bare_csv(folder: Path) -> None:
    """No optional column, no optional table; ids made of digits."""
    world = market()
    folder.mkdir()
    events, items = world["events"][[c.USER, c.ITEM, c.TIME]], world["items"]
    events.assign(**{c.ITEM: events[c.ITEM].str.replace("i", "0")}).to_csv(folder / "events.csv", index=False)
    items.assign(**{c.ITEM: items[c.ITEM].str.replace("i", "0")}).to_csv(folder / "items.csv", index=False)


@pytest.fixture(scope="module", params=[as_parquet, as_bare_csv], ids=["dirty Parquet", "bare CSV"])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """{engine: (tables, examples, their reports)}, all from the same source."""
    root = tmp_path_factory.mktemp("engines")
    request.param(root / "source")
    dirty_one = request.param is as_parquet
    guests, types = ({"guest_ids": ("u07",)}, ("purchase", "view")) if dirty_one else ({}, ("purchase",))
    out = {}
    for engine in ENGINES:
        settings = run_settings(root / "source", engine=engine, max_dropped_percent=10.0, memory_gb=1.0, **guests)
        settings = settings.replace(labels=settings.labels.replace(positive_types=types))
        tables, examples = root / engine / "tables", root / engine / "examples"
        ingested = ingest(data=settings.data, tables_dir=tables)
        out[engine] = (
            tables,
            examples,
            (ingested, build_examples(run=settings, tables_dir=tables, examples_dir=examples)),
        )
    return out


def rows(path: Path) -> pd.DataFrame:
    """All rows and columns, in one order."""
    frame = pq.read_table(path).to_pandas()
    names = sorted(frame.columns)
    return frame[names].sort_values(names).reset_index(drop=True)


@needs_spark
@pytest.mark.parametrize("name", TABLES)
def test_both_engines_write_the_same_rows(built: dict[str, Any], name: str) -> None:
    ours, theirs = (built[engine][0] / name for engine in ENGINES)
    assert ours.exists() == theirs.exists()
    if ours.exists():
        pd.testing.assert_frame_equal(rows(ours), rows(theirs), check_exact=True, check_categorical=False)


@needs_spark
def test_both_engines_build_the_same_examples_to_the_byte(built: dict[str, Any]) -> None:
    ours, theirs = (tree_digests(built[engine][1]) for engine in ENGINES)
    assert ours == theirs


@needs_spark
def test_both_engines_report_the_same_but_for_their_name(built: dict[str, Any]) -> None:
    ours, theirs = (built[engine][2] for engine in ENGINES)
    assert ours[0].model_copy(update={"engine": "spark"}) == theirs[0]
    assert ours[1] == theirs[1]


@pytest.mark.parametrize("engine", ["duckdb", pytest.param("spark", marks=needs_spark)])
def test_a_table_is_split_by_a_number_and_what_was_held_can_be_dropped(engine: Any) -> None:
    numbers = pd.DataFrame({"part": [10, 2, 10, 0], "item": list("abcd")})
    with open_engine(DataSettings(engine=engine, memory_gb=1.0)) as opened:
        held = opened.hold(opened.table(numbers))
        parts = [sorted(part.to_pandas()["item"]) for part in opened.split(held, "part")]
        assert parts == [["d"], ["b"], ["a", "c"]]
        opened.drop(held)
        with pytest.raises(opened.failures):
            held.to_pandas()


@needs_spark
def test_a_process_that_spark_submit_started_takes_what_it_was_started_with(tmp_path: Path) -> None:
    """Here three cores of this machine, in place of the two of the settings; on a cluster its address."""
    script = tmp_path / "script.py"
    script.write_text(
        "from pyspark import SparkContext\n"
        "from components.engines.engine import open_engine\n"
        "from tfx_configs.settings import DataSettings\n"
        "with open_engine(DataSettings(engine='spark', memory_gb=1.0)):\n"
        "    conf = SparkContext.getOrCreate().getConf()\n"
        "    print('conf:', *map(conf.get, ['spark.master', 'spark.app.name', 'spark.sql.session.timeZone']))\n"
    )
    command = [Path(sys.executable).with_name("spark-submit"), "--master", "local[3]", "--name", "theirs", script]
    python = {"PYTHONPATH": str(ROOT), "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    done = subprocess.run(command, env=os.environ | python, capture_output=True, text=True, timeout=120, check=False)
    assert "conf: local[3] theirs UTC" in done.stdout, done.stderr[-2000:]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def scramble(path: Path) -> None:
    """The footer stays: the damage shows only when the rows are read."""
    content = bytearray(path.read_bytes())
    content[200:2200] = bytes(2000)
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [truncate, scramble])
@pytest.mark.parametrize("table", ["events", "promotions"])
@pytest.mark.parametrize("engine", ["duckdb", pytest.param("spark", marks=needs_spark)])
def test_a_damaged_file_is_named_and_the_last_good_tables_stay(
    tmp_path: Path, engine: str, table: str, damage: Callable[[Path], None]
) -> None:
    source, out = write(tmp_path / "source", **market()), tmp_path / "tables"
    ingest(data=run_settings(source).data, tables_dir=out)
    good = tree_digests(out)
    damage(source / f"{table}.parquet")
    with pytest.raises(InputError, match=rf"{table}\.parquet: expected a .*(Parquet|readable)"):
        ingest(data=run_settings(source, engine=engine, memory_gb=1.0).data, tables_dir=out)
    assert tree_digests(out) == good
    assert list(tmp_path.glob(".tables.*")) == []
