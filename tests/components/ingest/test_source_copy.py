"""Sources that are no directory of files, each from a real store: PostgreSQL, SeaweedFS, Delta Lake, Iceberg."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.ingest.run import ingest
from components.ingest.source_copy import local_directory
from model.errors import InputError
from tests.components.ingest.postgres_server import postgres_server
from tests.model.serving.request_log.seaweedfs_server import seaweedfs_server
from tfx_configs.settings import DataSettings

EVENTS = pd.DataFrame(
    {
        "user_id": ["u1", "u2", "u1"],
        "item_id": ["milk", "bread", "bread"],
        "event_time": pd.to_datetime(["2024-01-01 10:00", "2024-01-02 11:30", "2024-02-20 12:00"]),
        "price": [1.25, 2.5, 2.5],
    }
)
ITEMS = pd.DataFrame({"item_id": ["bread", "milk"], "department": ["bakery", "dairy"]})


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    EVENTS.to_parquet(folder / "events.parquet", index=False)
    ITEMS.to_parquet(folder / "items.parquet", index=False)
    return folder


def tables_of(path: str, out: Path) -> dict[str, list[dict[str, object]]]:
    """What ingest makes of the source: rows of each table."""
    ingest(data=DataSettings(source="canonical", path=path), tables_dir=out)
    return {name: pq.read_table(out / place).to_pylist() for name, place in PLACES.items()}


PLACES = {"events": "events", "items": "items.parquet"}


def test_a_directory_stays_where_it_is(files: Path) -> None:
    with local_directory(str(files)) as folder:
        assert folder == files


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    import psycopg

    with postgres_server(tmp_path_factory.mktemp("database")) as url:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE SCHEMA shop")
            connection.execute(
                "CREATE TABLE shop.events (user_id text, item_id text, event_time timestamptz, price numeric(8, 2))"
            )
            connection.execute("CREATE TABLE shop.items (item_id text, department text)")
            connection.execute("CREATE TABLE shop.secrets (word text)")
            with connection.cursor() as cursor:
                rows = EVENTS.assign(event_time=EVENTS["event_time"].dt.tz_localize("UTC"))
                cursor.executemany("INSERT INTO shop.events VALUES (%s, %s, %s, %s)", rows.to_numpy().tolist())
                cursor.executemany("INSERT INTO shop.items VALUES (%s, %s)", ITEMS.to_numpy().tolist())
        yield url


@pytest.mark.needs("pg_ctl")
def test_a_schema_of_postgres_gives_the_same_tables_as_files(database: str, files: Path, tmp_path: Path) -> None:
    assert tables_of(f"{database}?schema=shop", tmp_path / "a") == tables_of(str(files), tmp_path / "b")
    with local_directory(f"{database}?schema=shop") as folder:
        assert sorted(path.name for path in folder.iterdir()) == ["events.parquet", "items.parquet"]
    assert not folder.exists()


@pytest.mark.needs("pg_ctl")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda url: f"{url}?schema=other", "expected a table or view events, found no table"),
        (lambda url: url.replace("/postgres", "/nothing"), 'database "nothing" does not exist'),
        (lambda url: url.replace("shop_owner@", "shop_owner:word@"), "set PGPASSWORD instead"),
    ],
)
def test_what_cannot_be_read_of_postgres_is_one_line(database: str, change: object, message: str) -> None:
    assert callable(change)
    with pytest.raises(InputError, match=message) as caught, local_directory(change(database)):
        pass
    assert "\n" not in str(caught.value)
    assert ":word@" not in str(caught.value)


def test_no_server_is_one_line() -> None:
    with pytest.raises(InputError, match="expected a readable database"):
        local_directory("postgresql://127.0.0.1:1/shop").__enter__()


@pytest.mark.needs("weed")
def test_a_bucket_gives_the_same_tables_as_files(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with seaweedfs_server(tmp_path) as store:
        user = "-user me -access_key key -secret_key word -buckets shop -actions Admin"
        store.shell(f"s3.bucket.create -name shop\ns3.configure {user} -apply")
        monkeypatch.setenv("AWS_ENDPOINT_URL", store.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "word")
        from model.system.object_store import open_url

        bucket, root = open_url("s3://shop/export")
        for path in files.iterdir():
            with bucket.open_output_stream(f"{root}/{path.name}") as out:
                out.write(path.read_bytes())
        assert tables_of("s3://shop/export", tmp_path / "a") == tables_of(str(files), tmp_path / "b")
        with pytest.raises(InputError, match="found no file"):
            local_directory("s3://shop/elsewhere").__enter__()


@pytest.mark.needs("deltalake")
def test_a_table_of_delta_lake_gives_its_current_version(files: Path, tmp_path: Path) -> None:
    import deltalake

    wanted = tables_of(str(files), tmp_path / "b")
    table = pa.Table.from_pandas(EVENTS)
    deltalake.write_deltalake(files / "events", table.slice(0, 1))
    deltalake.write_deltalake(files / "events", table, mode="overwrite")
    (files / "events.parquet").unlink()
    assert tables_of(str(files), tmp_path / "a") == wanted


@pytest.mark.needs("pyiceberg")
def test_a_table_of_iceberg_gives_its_current_snapshot(files: Path, tmp_path: Path) -> None:
    from pyiceberg.catalog.memory import InMemoryCatalog

    wanted = tables_of(str(files), tmp_path / "b")
    warehouse = tmp_path / "warehouse"
    catalog = InMemoryCatalog("shop", warehouse=str(warehouse))
    catalog.create_namespace("shop")
    table = pa.Table.from_pandas(EVENTS.astype({"event_time": "datetime64[us]"}), preserve_index=False)
    made = catalog.create_table("shop.events", schema=table.schema, location=str(files / "events"))
    made.append(table.slice(0, 1))
    made.overwrite(table)
    (files / "events.parquet").unlink()
    assert tables_of(str(files), tmp_path / "a") == wanted


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        pytest.param("_delta_log/00000000000000000000.json", "Delta Lake", marks=pytest.mark.needs("deltalake")),
        pytest.param("metadata/v1.metadata.json", "Iceberg", marks=pytest.mark.needs("pyiceberg")),
    ],
)
def test_a_broken_table_of_a_lake_is_one_line_without_words_of_the_library(files: Path, file: str, kind: str) -> None:
    log = files / "events" / file
    log.parent.mkdir(parents=True)
    log.write_text("{broken")
    with pytest.raises(
        InputError, match=rf"^.*/events: expected a readable table of {kind}, got one whose log .*again$"
    ):
        local_directory(str(files)).__enter__()


def test_packed_csv_reads_like_parquet(files: Path, tmp_path: Path) -> None:
    wanted = tables_of(str(files), tmp_path / "b")
    EVENTS.to_csv(files / "events.csv.gz", index=False)
    with pytest.raises(InputError, match=r"one file for the table events, got events\.csv, events\.parquet"):
        tables_of(str(files), tmp_path / "c")
    (files / "events.parquet").unlink()
    assert tables_of(str(files), tmp_path / "a") == wanted
    (files / "events.csv.gz").write_bytes((files / "events.csv.gz").read_bytes()[:-20])
    with pytest.raises(InputError, match=r"events\.csv\.gz: expected a readable gzip file"):
        local_directory(str(files)).__enter__()


def test_a_message_about_a_copy_names_the_source(files: Path, tmp_path: Path) -> None:
    (files / "events.parquet").unlink()
    EVENTS.drop(columns="user_id").to_csv(files / "events.csv.gz", index=False)
    with pytest.raises(InputError, match=rf"^{files}/events.csv: expected column user_id"):
        tables_of(str(files), tmp_path / "a")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        (
            "gs://bucket/x",
            "expected a directory, s3://bucket/path or postgresql://user@host/database, got 'gs://bucket/x'",
        ),
        ("postgresql://me@host/db?password=secret", "expected an address without a password"),
    ],
)
def test_an_address_that_cannot_be_read_is_one_line(address: str, message: str) -> None:
    with pytest.raises(InputError, match=message.replace("?", r"\?")):
        local_directory(address).__enter__()
