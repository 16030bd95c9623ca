"""What only the embedded store does: several processes in one directory, one of them killed."""

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from model.errors import InputError, StageFailed, StoreUnavailable
from model.serving.history import generations
from model.serving.history.lmdb_store import LmdbStore
from model.serving.history.store import Event
from tests.pencil_world import trips_of
from tests.worlds import seconds

_WRITER = """
import sys
from pathlib import Path
from model.serving.history.store import Event
from model.serving.history.lmdb_store import LmdbStore
store = LmdbStore(Path(sys.argv[1]))
for n in range(100_000):
    store.append([Event(event_id=str(n), user_id="u", item_id=f"i{n}", time_s=n)])
    print(n, flush=True)
"""


def test_a_killed_writer_loses_nothing_that_was_acknowledged_and_does_not_block_others(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _WRITER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        while int(writer.stdout.readline()) < 50:
            pass
        os.kill(writer.pid, signal.SIGKILL)
        acknowledged = [int(line) for line in writer.stdout.read().split("\n")[:-1]]
    last = max(acknowledged, default=50)
    store = LmdbStore(tmp_path)
    items, *_ = store.history("u", 10**9)
    assert items[: last + 1] == [f"i{n}" for n in range(last + 1)]
    assert store.append([Event(event_id="after", user_id="u", item_id="milk", time_s=10**8)]) == 1


def test_two_processes_see_each_others_events(tmp_path: Path) -> None:
    store = LmdbStore(tmp_path)
    other = _WRITER.replace("100_000", "3")
    subprocess.run([sys.executable, "-c", other, str(tmp_path)], check=True, stdout=subprocess.DEVNULL)
    assert store.history("u", 10**9)[0] == ["i0", "i1", "i2"]


def _bought(count: int, size: int = 100) -> list[Event]:
    return [Event(event_id="1", user_id=f"u{n}", item_id="x" * size, time_s=n) for n in range(count)]


def test_a_truncated_store_is_found_at_open(tmp_path: Path) -> None:
    store = LmdbStore(tmp_path)
    store.append(_bought(2000))
    store.close()
    with (tmp_path / "data.mdb").open("r+b") as file:
        file.truncate(file.seek(0, os.SEEK_END) // 2)
    with pytest.raises(StageFailed, match="truncated") as error:
        LmdbStore(tmp_path)
    assert "\n" not in str(error.value)


def test_a_full_store_still_deletes_and_then_takes_events_again(tmp_path: Path) -> None:
    store = LmdbStore(tmp_path, map_bytes=1 << 18)
    count = 0
    with suppress(StoreUnavailable):
        while count < 10_000:
            store.append([dataclasses.replace(event, user_id=f"u{count}") for event in _bought(1, 200)])
            count += 1
    assert 300 < count < 10_000
    with pytest.raises(StoreUnavailable):
        store.append(_bought(5000))
    assert all(store.delete(f"u{n}") for n in range(0, count, 2))
    assert store.history("u1", None).items == ["x" * 200]
    assert store.append([Event(event_id="new", user_id="v", item_id="milk", time_s=1)]) == 1


def test_a_store_whose_directory_vanishes_takes_no_more_events(tmp_path: Path) -> None:
    directory = tmp_path / "store"
    store = LmdbStore(directory)
    store.append(_bought(1))
    directory.rename(tmp_path / "away")
    for write in (lambda: store.append(_bought(2)), lambda: store.delete("u0")):
        with pytest.raises(StoreUnavailable) as error:
            write()
        assert "\n" not in str(error.value)


def test_a_file_that_vanishes_below_a_store_is_noticed(tmp_path: Path) -> None:
    store = LmdbStore(tmp_path / "store")
    (tmp_path / "store" / "data.mdb").unlink()
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        store.append([_event("1", "ann")])


def test_bulk_load_gives_what_appends_would(tmp_path: Path) -> None:
    store = LmdbStore(tmp_path, 3)
    trips = trips_of(("u", 1, "a"), ("u", 2, "b"), ("u", 3, "c"), ("u", 4, "a"), ("v", 5, "b"), stores=("", "east"))
    details = {
        "event_store_E": np.array([0, 1, 1, 0, 0], np.int32),
        "event_quantity_E": np.array([1, 2, 0.5, 1, 1], np.float32),
        "event_price_E": np.array([0, 0, 1.25, 3, 0], np.float32),
    }
    assert store.bulk_load(dataclasses.replace(trips, **details), np.ones(5, bool)) == 2
    u, v = (store.history(user, seconds(9)) for user in "uv")
    assert (u.items, u.times.tolist()) == (["b", "c", "a"], [seconds(2), seconds(3), seconds(4)])
    assert u.stores is not None and u.stores.texts() == ["east", "east", ""]
    assert u.quantities is not None and u.quantities.tolist() == [2, 0.5, 1]
    assert u.prices is not None and u.prices.tolist() == [0, 1.25, 3]
    assert (u.earlier, v.earlier) == (["a"], [])
    assert (v.items, v.stores) == (["b"], None)
    assert store.append([Event(event_id="new", user_id="v", item_id="c", time_s=seconds(6))]) == 1
    assert store.history("v", seconds(9)).items == ["b", "c"]


def test_bulk_load_refuses_events_that_are_not_sorted(tmp_path: Path) -> None:
    trips = trips_of(("u", 1, "a"), ("u", 2, "b"))
    turned = dataclasses.replace(trips, event_time_E=trips.event_time_E[::-1])
    with pytest.raises(InputError, match="sorted by"):
        LmdbStore(tmp_path).bulk_load(turned, np.ones(2, bool))


WRITER = """
import sys
from pathlib import Path
from model.serving.history.lmdb_store import LmdbStore
from model.serving.history.store import Event
store = LmdbStore(Path(sys.argv[1]))
for n in range(int(sys.argv[2])):
    store.append([Event(event_id=str(n), user_id="writer", item_id=f"i{n}", time_s=n)])
    if n == 20:
        print("writing", flush=True)
store.close()
"""


def _event(event_id: str, user_id: str) -> Event:
    return Event(event_id=event_id, user_id=user_id, item_id="milk", time_s=1)


def test_a_copy_loses_no_write_of_another_process_and_readers_follow(tmp_path: Path) -> None:
    reader = LmdbStore(tmp_path)
    reader.append([_event("0", "ann")])
    command = [sys.executable, "-c", WRITER, str(tmp_path), "400"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == "writing\n"
        for _ in range(10):
            reader.compact()
        assert writer.wait() == 0
    assert len(reader.history("writer", 10**9).items) == 400
    assert reader.history("ann", 10**9).items == ["milk"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["10", "current"]
    reader.close()


def test_a_copy_that_fails_leaves_the_store_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LmdbStore(tmp_path)
    store.append([_event("0", "ann")])

    def full(*_: object) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(generations.os, "fsync", full)
        with pytest.raises(StoreUnavailable, match="No space left"):
            store.compact()
    assert store.history("ann", 10**9).items == ["milk"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["current", "data.mdb", "lock.mdb"]
    store.close()


def test_a_directory_that_is_replaced_by_another_store_is_noticed(tmp_path: Path) -> None:
    store = LmdbStore(tmp_path / "store")
    store.append([_event("0", "ann")])
    (tmp_path / "store").rename(tmp_path / "away")
    LmdbStore(tmp_path / "store").close()
    with pytest.raises(StoreUnavailable, match="its directory was replaced"):
        store.append([_event("1", "ann")])
    store.close()


def test_a_directory_that_vanishes_is_noticed(tmp_path: Path) -> None:
    store = LmdbStore(tmp_path / "store")
    shutil.rmtree(tmp_path / "store")
    with pytest.raises(StoreUnavailable, match="its files have gone"):
        store.append([_event("0", "ann")])
    with pytest.raises(StoreUnavailable, match="its files have gone"):
        store.history("ann", 1)
    store.close()
