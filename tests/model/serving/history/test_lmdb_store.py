"""What only the embedded store does: several processes in one directory, one of them killed."""

import dataclasses
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
    assert (v.items, v.stores) == (["b"], None)
    assert store.append([Event(event_id="new", user_id="v", item_id="c", time_s=seconds(6))]) == 1
    assert store.history("v", seconds(9)).items == ["b", "c"]


def test_bulk_load_refuses_events_that_are_not_sorted(tmp_path: Path) -> None:
    trips = trips_of(("u", 1, "a"), ("u", 2, "b"))
    turned = dataclasses.replace(trips, event_time_E=trips.event_time_E[::-1])
    with pytest.raises(InputError, match="sorted by"):
        LmdbStore(tmp_path).bulk_load(turned, np.ones(2, bool))
