"""What only the embedded store does: several processes in one directory, one of them killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model.errors import InputError
from model.serving.history.lmdb_store import LmdbStore
from model.serving.history.store import Event

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
    items, _ = store.history("u", 10**9)
    assert items[: last + 1] == [f"i{n}" for n in range(last + 1)]
    assert store.append([Event(event_id="after", user_id="u", item_id="milk", time_s=10**8)]) == 1


def test_two_processes_see_each_others_events(tmp_path: Path) -> None:
    store = LmdbStore(tmp_path)
    other = _WRITER.replace("100_000", "3")
    subprocess.run([sys.executable, "-c", other, str(tmp_path)], check=True, stdout=subprocess.DEVNULL)
    assert store.history("u", 10**9)[0] == ["i0", "i1", "i2"]


def purchases(store: LmdbStore, user_id: str) -> list[tuple[str, int]]:
    items, times = store.history(user_id, 10**9)
    return list(zip(items, times.tolist(), strict=True))


def test_bulk_load_gives_what_appends_would(tmp_path: Path) -> None:
    store = LmdbStore(tmp_path, 3)
    users, items = np.array(["u", "v"]), np.array(["a", "b", "c"])
    shoppers = store.bulk_load(
        users, items, np.array([0, 0, 0, 0, 1]), np.array([0, 1, 2, 0, 1]), np.array([1, 2, 3, 4, 5])
    )
    assert shoppers == 2
    assert purchases(store, "u") == [("b", 2), ("c", 3), ("a", 4)]
    assert purchases(store, "v") == [("b", 5)]
    assert store.append([Event(event_id="new", user_id="v", item_id="c", time_s=6)]) == 1
    assert purchases(store, "v") == [("b", 5), ("c", 6)]


def test_bulk_load_refuses_events_that_are_not_sorted(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="sorted by"):
        LmdbStore(tmp_path).bulk_load(
            np.array(["u"]), np.array(["a"]), np.array([0, 0]), np.array([0, 0]), np.array([2, 1])
        )
