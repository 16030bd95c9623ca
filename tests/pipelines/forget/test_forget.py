"""A shopper is forgotten everywhere, and the proof finds whatever is left."""

import json
import os
import time
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import redis
from pyarrow import fs

from model.errors import StageFailed
from model.request_log.reader import SCHEMA, read
from model.serving.history.lmdb_store import LmdbStore
from model.serving.history.redis_store import RedisStore
from model.serving.history.store import Event
from model.serving.request_log.spool import Journal
from model.system import object_store
from pipelines.cli import main
from pipelines.forget import erase
from pipelines.forget import retention_page as forget_page
from pipelines.forget.retention import PLACES, Rule, place_of
from pipelines.forget.scan import id_hash, occurrences, scan
from tests.model.serving.history.redis_server import redis_server
from tfx_configs.units import DAY_S

ANN, BOB = "ann-7", "bob-8"


def _event(user_id: str, number: int) -> Event:
    return Event(event_id=f"e{number}", user_id=user_id, item_id=f"item-{number}", time_s=100 + number)


def _rows(*users: str) -> pa.Table:
    rows = [{"user_id": user, "request_id": f"r-{user}", "item_ids": ["milk"]} for user in users]
    return pa.Table.from_pylist(rows, SCHEMA)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with the data of two shoppers in every place that the table of retention lists."""
    run = tmp_path / "run"
    store = LmdbStore(run / "rollout" / "store")
    store.append([_event(user, n) for n in range(200) for user in (ANN, BOB)])
    store.close()

    def write(path: str, columns: dict[str, object]) -> None:
        (run / path).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(columns), run / path)

    requests = run / "rollout" / "requests"
    requests.mkdir()
    pq.write_table(_rows(ANN, BOB, ANN), requests / "v1-1-1-000001.parquet")
    line = {"user_id": ANN, "request_id": "r-left", "version": "v1"}
    (requests / "v1-2-2-000001.journal").write_text(json.dumps(line) + "\n")
    write("monitoring/reference/visits.parquet", {"user_id": [ANN, BOB], "hits": [1, 2]})
    write(
        "monitoring/reference/seen.parquet",
        {"kind": ["user", "user", "item"], "id": [ANN, BOB, ANN], "first_s": [1.0] * 3},
    )
    for folder in ("registry/validation/2020-01-01-aa", "pipeline/p1/validate/anomalies"):
        write(f"{folder}/known_users.parquet", {"user_id": [ANN, BOB], "sales": [3, 4]})
        hashes = pa.array([id_hash(ANN), id_hash(BOB)], pa.uint64())
        write(f"{folder}/users.attributes.parquet", {"user_id": hashes, "age": ["30", "40"]})
    write("pipeline/p1/ingest/tables/events/month=1/0.parquet", {"user_id": [ANN, BOB], "item_id": ["a", "b"]})
    write("pipeline/p1/examples/trips/trips/users.parquet", {"user_ids": [ANN, BOB]})
    return run


def _left(run: Path, user_id: str = ANN) -> set[str]:
    return {hit.path.as_posix() for hit in scan(run, user_id)}


def test_before_the_shopper_is_everywhere_and_the_proof_fails(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forget", ANN, "--run", str(run), "--prove"]) == 1
    printed = capsys.readouterr().out
    assert "rollout/store/data.mdb: " in printed and "event store, not allowed" in printed
    assert "canonical tables, until 30 days old" in printed
    assert f"{ANN} is left in 9 places" in printed
    places = {place_of(hit.path).name for hit in scan(run, ANN)}
    assert places == {place.name for place in PLACES if place.rule is not Rule.NONE}


def test_afterwards_only_what_is_under_a_retention_has_the_shopper_and_the_others_are_all_there(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _left(run, BOB)
    # The item that is called like the shopper stays: it is an item.
    write = run / "monitoring" / "reference" / "seen.parquet"
    assert main(["forget", ANN, "--run", str(run)]) == 1
    assert pq.read_table(write).to_pylist() == [
        {"kind": "user", "id": BOB, "first_s": 1.0},
        {"kind": "item", "id": ANN, "first_s": 1.0},
    ]
    write.unlink()
    assert main(["forget", ANN, "--run", str(run), "--prove"]) == 0
    assert f"{ANN} is in no place outside a retention" in capsys.readouterr().out
    assert _left(run) == {
        "pipeline/p1/ingest/tables/events/month=1/0.parquet",
        "pipeline/p1/examples/trips/trips/users.parquet",
    }
    moved = {path for path in before if "store" not in path} - {"monitoring/reference/seen.parquet"}
    assert moved <= _left(run, BOB)
    store = LmdbStore(run / "rollout" / "store")
    assert len(store.history(BOB, 10**9).items) == 200 and store.history(ANN, 10**9).items == []
    store.close()
    assert read(run / "rollout" / "requests")["user_id"].to_pylist() == [BOB]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("validation/2020-01-01-aa/known_users.parquet", "validation baseline"),
        ("monitoring/references/2020-01-01-aa/visits.parquet", "monitoring reference"),
        ("models/2020-01-01-aa/manifest.json", "model packages"),
        ("registry/models/2020-01-01-aa/catalog/user_ids.parquet", "model packages"),
        ("shadow/store/data.mdb", "event store"),
        ("report.html", "evaluations, verdicts, reports and logs"),
    ],
)
def test_files_of_a_run_and_of_a_registry_alone_are_of_the_same_kinds(path: str, name: str) -> None:
    assert place_of(PurePosixPath(path)).name == name


def test_not_even_the_purchases_are_left_in_the_stores_file(run: Path) -> None:
    """No event of bob has the number 777."""
    store = LmdbStore(run / "rollout" / "store")
    store.append([_event(ANN, 777)])
    store.close()
    assert any(b"item-777" in file.read_bytes() for file in run.rglob("data.mdb"))
    main(["forget", ANN, "--run", str(run)])
    files = list(run.rglob("*.mdb"))
    assert [file.parent.name for file in files if file.name == "data.mdb"] == ["1"]
    assert not any(b"item-777" in file.read_bytes() or ANN.encode() in file.read_bytes() for file in files)


def test_what_lay_in_the_same_page_as_other_shoppers_is_gone_too(run: Path) -> None:
    """LMDB's own compaction copies pages, with what was deleted in them."""
    store = LmdbStore(run / "rollout" / "store")
    store.append([_event(f"shopper-{n:03}", n) for n in range(300)])
    gone = [f"shopper-{n:03}" for n in range(0, 300, 3)]
    for shopper in gone:
        store.delete(shopper)
    store.compact()
    store.close()
    content = next(run.rglob("data.mdb")).read_bytes()
    assert b"shopper-001" in content
    assert [shopper for shopper in gone if shopper.encode() in content] == []


def test_a_retention_that_is_over_is_no_excuse_and_expired_deletes_it(run: Path) -> None:
    (run / "monitoring" / "reference" / "seen.parquet").unlink()
    assert main(["forget", ANN, "--run", str(run)]) == 0
    old = time.time() - 31 * DAY_S
    for file in (run / "pipeline" / "p1" / "ingest").rglob("*.parquet"):
        os.utime(file, (old, old))
    assert main(["forget", ANN, "--run", str(run), "--prove"]) == 1
    assert main(["forget", ANN, "--run", str(run), "--expired"]) == 0
    assert not (run / "pipeline" / "p1" / "ingest").exists() and (run / "pipeline" / "p1" / "examples").exists()


def test_what_is_over_its_days_is_deleted_without_a_shopper_and_nothing_else(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = time.time() - 31 * DAY_S
    for file in (run / "pipeline" / "p1" / "examples").rglob("*.parquet"):
        os.utime(file, (old, old))
    before = _left(run)
    assert main(["forget", "--run", str(run)]) == 2
    assert main(["forget", "--run", str(run), "--expired"]) == 0
    assert before - _left(run) == {"pipeline/p1/examples/trips/trips/users.parquet"}
    assert capsys.readouterr().out == f"{run}/pipeline/p1/examples: deleted, its days are over\n"


def test_redis_does_not_have_the_shopper_in_its_files_either(run: Path, tmp_path: Path) -> None:
    (run / "monitoring" / "reference" / "seen.parquet").unlink()
    folder = tmp_path / "redis"
    folder.mkdir()
    with redis_server(folder) as (_, url):
        client = redis.Redis.from_url(url)
        client.config_set("appendonly", "yes")
        store = RedisStore(url)
        store.append([_event(ANN, 1), _event(BOB, 2)])
        assert main(["forget", ANN, "--run", str(run), "--store", url, "--prove"]) == 1
        assert main(["forget", ANN, "--run", str(run), "--store", url]) == 0
        assert store.history(BOB, 10**9).items == ["item-2"] and store.history(ANN, 10**9).items == []
        deadline = time.monotonic() + 10
        files = [path for path in folder.rglob("*") if path.is_file() and path.suffix in (".aof", ".rdb")]
        while any(ANN.encode() in path.read_bytes() for path in files if path.exists()):
            assert time.monotonic() < deadline, "Redis removes the file before within a second"
            time.sleep(0.1)
        assert any(BOB.encode() in path.read_bytes() for path in folder.rglob("*.aof") if path.is_file()) or any(
            BOB.encode() in path.read_bytes() for path in folder.rglob("*.rdb")
        )
        store.close()


def test_an_id_that_can_be_none_is_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forget", "", "--run", str(run)]) == 2
    assert main(["forget", ANN, "--run", str(run / "nowhere")]) == 2
    assert capsys.readouterr().err.count("\n") == 2


@pytest.mark.parametrize(
    ("name", "content", "times"),
    [
        ("a.json", json.dumps({"users": [ANN, {ANN: 1}], "other": f"{ANN}0"}), 2),
        ("a.jsonl", json.dumps({"u": ANN}) + "\n" + json.dumps({"u": BOB}), 1),
        ("a.json", f"not JSON, of {ANN} and {ANN}x", 1),
        ("a.md", f"{ANN}, {ANN}1, x{ANN}", 1),
        ("a.bin", f"\0\x05{ANN}\x12", 1),
    ],
)
def test_the_scan_finds_whole_ids_in_every_kind_of_file(name: str, content: str, times: int, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    assert occurrences(tmp_path / name, ANN) == times


def test_the_scan_reads_tables_and_arrays(tmp_path: Path) -> None:
    nested = pa.table({"users": pa.array([[ANN, BOB], [ANN]]), "kind": pa.array([ANN, BOB]).dictionary_encode()})
    pq.write_table(nested, tmp_path / "a.parquet")
    np.savez(tmp_path / "a.npz", u=np.array([ANN, BOB]), s=np.array([ANN.encode()]), n=np.arange(3))
    pd.DataFrame({"user_id": [id_hash(ANN)]}).astype("uint64").to_parquet(tmp_path / "b.parquet")
    assert [occurrences(tmp_path / name, ANN) for name in ("a.parquet", "a.npz", "b.parquet")] == [3, 2, 1]


def test_the_page_has_the_table_of_the_code() -> None:
    page = forget_page.PAGE.read_text(encoding="utf-8")
    assert page == forget_page.filled(page, forget_page.sections()), "run: python -m pipelines.forget.retention_page"


def test_a_request_log_in_an_object_store_loses_the_rows_and_files_that_have_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file system of this machine in the place of the bucket's."""
    folder = tmp_path / "bucket" / "requests" / "2020-01-01"
    folder.mkdir(parents=True)
    for name, users in (("both", (ANN, BOB)), ("ann", (ANN,)), ("bob", (BOB,))):
        pq.write_table(_rows(*users), folder / f"{name}.parquet")
    unchanged = (folder / "bob.parquet").read_bytes()
    paths = sorted(str(path) for path in folder.iterdir())
    monkeypatch.setattr(object_store, "files", lambda _: (fs.LocalFileSystem(), paths))
    assert erase.from_log("s3://bucket/requests", ANN) == 2
    assert sorted(path.name for path in folder.iterdir()) == ["bob.parquet", "both.parquet"]
    assert pq.read_table(folder / "both.parquet")["user_id"].to_pylist() == [BOB]
    assert (folder / "bob.parquet").read_bytes() == unchanged


def test_a_journal_of_a_running_server_is_named_and_nothing_is_claimed(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "v1-1-1-000001.journal")
    journal.write(json.dumps({"user_id": ANN, "request_id": "r", "version": "v1"}).encode() + b"\n")
    with pytest.raises(StageFailed, match="1 journals are written to by running servers"):
        erase.from_log(str(tmp_path), ANN)
    journal.finish()
    assert erase.from_log(str(tmp_path), ANN) == 1


def test_a_log_outside_of_the_run_is_scanned_as_well(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "monitoring" / "reference" / "seen.parquet").unlink()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    pq.write_table(_rows(ANN, BOB, ANN), elsewhere / "v1-1-1-000001.parquet")
    assert main(["forget", ANN, "--run", str(run)]) == 0
    options = ["--run", str(run), "--request-log", str(elsewhere)]
    assert main(["forget", ANN, *options, "--prove"]) == 1
    assert f"{elsewhere}: 2 rows of the shopper\n" in capsys.readouterr().out
    assert main(["forget", ANN, *options]) == 0
    assert main(["forget", BOB, *options, "--prove"]) == 1
