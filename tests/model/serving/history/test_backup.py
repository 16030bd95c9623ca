"""A backup of one store, restored into another; the walk of the runbook."""

import re
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import redis

from model.errors import InputError
from model.serving.history import backup
from model.serving.history.lmdb_store import LmdbStore
from model.serving.history.redis_store import RedisStore
from model.serving.history.store import Event, HistoryStore
from tests.model.serving.history.redis_server import redis_server

RUNBOOK = Path("docs/runbook.md").read_text(encoding="utf-8")
SHOPPERS = [f"shopper-{n}" for n in range(backup.ROWS + 3)]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as (_, address):
        yield address


@pytest.fixture
def full(tmp_path: Path) -> Iterator[LmdbStore]:
    store = LmdbStore(tmp_path / "full")
    store.append([Event(event_id="1", user_id=user, item_id=f"of {user}", time_s=5, price=1.5) for user in SHOPPERS])
    store.describe(SHOPPERS[0], [("age", "40")])
    yield store
    store.close()


@pytest.mark.parametrize("kind", ["lmdb", "redis"])
def test_every_shopper_is_restored_into_either_store(kind: str, full: LmdbStore, url: str, tmp_path: Path) -> None:
    file = tmp_path / "events.parquet"
    assert backup.write(full, file) == len(SHOPPERS)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    redis.Redis.from_url(url).flushdb()
    empty: HistoryStore = LmdbStore(tmp_path / "empty") if kind == "lmdb" else RedisStore(url)
    assert backup.restore(empty, file) == len(SHOPPERS)
    assert sorted(empty.records()) == sorted(full.records())
    first = empty.history(SHOPPERS[0], 10)
    assert (first.items, first.attributes) == ([f"of {SHOPPERS[0]}"], (("age", "40"),))
    with pytest.raises(InputError, match="expected an empty store"):
        backup.restore(empty, file)
    assert backup.write(empty, tmp_path / "again.parquet") == len(SHOPPERS)
    empty.close()


def test_a_backup_is_never_written_over_another(full: LmdbStore, tmp_path: Path) -> None:
    (tmp_path / "events.parquet").write_text("the one before")
    with pytest.raises(InputError, match="expected no file"):
        backup.write(full, tmp_path / "events.parquet")
    assert (tmp_path / "events.parquet").read_text() == "the one before"


def test_what_is_damaged_or_incomplete_is_refused_before_anything_is_restored(full: LmdbStore, tmp_path: Path) -> None:
    file, empty = tmp_path / "events.parquet", LmdbStore(tmp_path / "empty")
    backup.write(full, file)
    whole, table = file.read_bytes(), pq.read_table(file)
    about = {name: pq.read_metadata(file).metadata[name] for name in (backup.DIGEST, backup.COUNT)}

    def shortened() -> None:
        with pq.ParquetWriter(file, backup.SCHEMA) as out:
            out.write_table(table.slice(1))
            out.add_key_value_metadata(about)

    for damage in (lambda: file.write_bytes(whole[: len(whole) // 2]), lambda: file.write_bytes(b""), shortened):
        damage()
        with pytest.raises(InputError, match="expected a backup"):
            backup.restore(empty, file)
        assert next(empty.records(), None) is None
    empty.close()


def test_the_commands_of_the_runbook_bring_a_lost_store_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    section = RUNBOOK.partition("## Backup of the event store")[2].partition("\n## ")[0]
    commands = re.findall(r"python -m model\.serving\.history\.backup (.*)", section)
    assert [command.split()[0] for command in commands] == ["write", "restore"]
    store = LmdbStore(tmp_path / "full")
    store.append([Event(event_id="1", user_id="ann", item_id="milk", time_s=5)])
    store.close()
    for command, place in zip(commands, ("full", "new"), strict=True):
        words = shlex.split(command.partition(" #")[0])
        words[1] = str(tmp_path / "events.parquet")
        words[words.index("--store") + 1] = str(tmp_path / place)
        assert backup.main(words) == 0
    assert "1 shoppers restored from" in capsys.readouterr().out
    restored = LmdbStore(tmp_path / "new")
    assert restored.history("ann", 10).items == ["milk"]
    restored.close()
