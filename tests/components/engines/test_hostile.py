"""Names and values of the data are data: neither engine runs them, opens other files, or changes them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pyarrow.parquet as pq
import pytest

from components.engines.engine import Engine, open_engine
from components.ingest.run import ingest
from model.data import columns as c
from model.errors import InputError
from tests.worlds import run_settings, write

ENGINES = (
    ("duckdb", "Parquet"),
    ("duckdb", "CSV"),
    pytest.param("spark", "Parquet", marks=pytest.mark.needs("java", "pyspark")),
)
TEXTS = (
    "a\"; COPY (SELECT 1) TO '{out}'; --",
    "x\") // 1000) AS \"x\") FROM (SELECT 1 AS x); COPY (SELECT content FROM read_text('{secret}')) TO '{out}'; --",
    "a`; DROP TABLE held; --",
    "it's a \\'quote\\\\",
    "two\nlines\r\nand a\ttab",
    "<script>alert(1)</script>",
    "${{spark.driver.memory}} {{0}} %s {{scratch}}",
    "__proto__",
    "данные ünï 名前 🛒",
    "by",
    "self",
    "place",
    "a.b.c",
    "n" * 10_000,
)


def hostile(folder: Path) -> list[str]:
    """Texts that would write `folder`/written or read `folder`/secret if an engine ran them."""
    (folder / "secret").write_text("a secret")
    return [text.format(out=folder / "written", secret=folder / "secret") for text in TEXTS]


def names(texts: list[str]) -> list[str]:
    """The texts that a column may have as its name."""
    return [text for text in texts if "${" not in text]


def write_shop(folder: Path, texts: list[str], events_in: str) -> Path:
    """A shop whose attributes have the texts as names, and whose ids and values are the texts.

    One of its tables is CSV, the other Parquet, where events have the texts as names of timestamps too.
    """
    days = pd.date_range("2020-01-06", periods=len(texts), freq="14D")
    events = pd.DataFrame(dict.fromkeys((c.USER, c.ITEM, c.BASKET, c.STORE), texts) | {c.TIME: days})
    items = pd.DataFrame({c.ITEM: texts} | dict.fromkeys(names(texts), texts))
    if events_in == "CSV":
        write(folder, items=items)
        events.to_csv(folder / "events.csv", index=False)
    else:
        write(folder, events=events.assign(**{f"{name} at": days for name in names(texts)}))
        items.to_csv(folder / "items.csv", index=False)
    return folder


@pytest.mark.parametrize(("engine", "events_in"), ENGINES)
def test_hostile_names_and_values_come_out_as_they_went_in(tmp_path: Path, engine: str, events_in: str) -> None:
    texts = hostile(tmp_path)
    run = run_settings(write_shop(tmp_path / "in", texts, events_in), engine=engine, memory_gb=1.0, cut_date=None)
    report = ingest(data=run.data, tables_dir=tmp_path / "out")
    assert (report.events, report.dropped) == (len(texts), {})
    events = pq.read_table(tmp_path / "out" / "events").to_pandas()
    items = pq.read_table(tmp_path / "out" / "items.parquet").to_pandas()
    assert set(events[c.USER]) == set(events[c.STORE]) == set(items[c.ITEM]) == set(texts)
    assert set(items.columns) == {c.ITEM, *names(texts)}
    assert all((items[name] == items[c.ITEM]).all() for name in names(texts))
    assert not (tmp_path / "written").exists()
    assert json.loads((tmp_path / "out" / "ingest.json").read_text())["events"] == len(texts)


def test_a_name_that_hadoop_would_fill_in_is_refused(tmp_path: Path) -> None:
    items = pd.DataFrame({c.ITEM: ["a"], "${spark.driver.memory}": "x"})
    events = pd.DataFrame({c.USER: ["u"], c.ITEM: "a", c.TIME: [pd.Timestamp("2020-01-06")]})
    folder = write(tmp_path / "in", events=events, items=items)
    with pytest.raises(InputError, match=r"items.parquet: expected names of columns without \$\{, got \$\{spark\."):
        ingest(data=run_settings(folder).data, tables_dir=tmp_path / "out")


@pytest.fixture
def duckdb(tmp_path: Path) -> Iterator[Engine]:
    (tmp_path / "in").mkdir()
    with open_engine(run_settings(tmp_path / "in").data, tmp_path / "in") as engine:
        yield engine


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_text('{secret}')",
        "COPY (SELECT 1) TO '{out}'",
        "ATTACH '{out}' AS other",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "SET autoinstall_known_extensions = true",
    ],
)
def test_duckdb_does_nothing_outside_its_directories(duckdb: Any, tmp_path: Path, statement: str) -> None:
    """Even if some text were run: the engine is confined, and nothing can be changed about it."""
    (tmp_path / "secret").write_text("a secret")
    with pytest.raises(duckdb.failures, match=r"disabled|locked|Cannot change"):
        duckdb._backend.con.execute(statement.format(secret=tmp_path / "secret", out=tmp_path / "written")).fetchall()
    assert not (tmp_path / "written").exists()


def test_a_file_of_the_export_may_be_a_link_to_another_place(duckdb: Any, tmp_path: Path) -> None:
    """Of a file or of a directory of files; what no link of the export names stays out of reach."""
    (tmp_path / "in").mkdir(exist_ok=True)
    (tmp_path / "away").mkdir()
    pd.DataFrame({"item_id": ["a"]}).to_parquet(tmp_path / "away" / "items.parquet")
    (tmp_path / "in" / "items.parquet").symlink_to(tmp_path / "away" / "items.parquet")
    (tmp_path / "in" / "events").symlink_to(tmp_path / "away")
    with open_engine(run_settings(tmp_path / "in").data, tmp_path / "in") as engine:
        for name in ("items.parquet", "events"):
            assert engine.read_parquet(tmp_path / "in" / name).execute()["item_id"].tolist() == ["a"]
    with pytest.raises(InputError):
        duckdb.read_parquet(tmp_path / "in" / "items.parquet")


def test_a_wide_table_is_read_without_a_join_for_each_column(duckdb: Any) -> None:
    """Else the time grows with the third power of the columns: minutes for 300."""
    table = duckdb.table(pd.DataFrame({"a": ["x"]}))
    marked = table.select(a=table["a"].isin([str(i) for i in range(9)]))
    plan = duckdb._backend.con.execute(f"EXPLAIN {ibis.to_sql(marked, dialect='duckdb')}").fetchall()
    assert "JOIN" not in str(plan)
