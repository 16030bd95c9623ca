import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.errors import InputError
from model.serving.store import Event, LmdbStore

_WRITER = """
import sys
from pathlib import Path
from model.serving.store import Event, LmdbStore
store = LmdbStore(Path(sys.argv[1]))
for n in range(100_000):
    store.append([Event(event_id=str(n), user_id="u", item_id=f"i{n}", time_s=n)])
    print(n, flush=True)
"""


def _event(event_id: str, time_s: int, item_id: str = "milk", user_id: str = "u") -> Event:
    return Event(event_id=event_id, user_id=user_id, item_id=item_id, time_s=time_s)


@pytest.fixture
def store(tmp_path: Path) -> LmdbStore:
    return LmdbStore(tmp_path / "store", max_history=3)


def _history(store: LmdbStore, before_s: int = 10**9, user_id: str = "u") -> list[tuple[str, int]]:
    items, times = store.history(user_id, before_s)
    assert times.dtype == np.int64
    return list(zip(items, times.tolist(), strict=True))


def test_an_unknown_shopper_has_an_empty_history(store: LmdbStore) -> None:
    assert _history(store) == []


def test_history_is_strictly_before_the_moment_asked_for(store: LmdbStore) -> None:
    store.append([_event("1", 10, "a"), _event("2", 20, "b")])
    assert _history(store, before_s=20) == [("a", 10)]
    assert _history(store, before_s=21) == [("a", 10), ("b", 20)]
    assert _history(store, before_s=10) == []


def test_late_events_land_in_order(store: LmdbStore) -> None:
    store.append([_event("2", 20, "b")])
    store.append([_event("3", 30, "c"), _event("1", 10, "a")])
    assert _history(store) == [("a", 10), ("b", 20), ("c", 30)]


def test_an_event_sent_again_changes_nothing(store: LmdbStore) -> None:
    assert store.append([_event("1", 10, "a"), _event("1", 10, "a")]) == 1
    assert store.append([_event("1", 10, "a")]) == 0
    assert _history(store) == [("a", 10)]


def test_only_the_most_recent_events_are_kept_and_a_dropped_one_does_not_come_back(store: LmdbStore) -> None:
    store.append([_event(str(n), n, f"i{n}") for n in range(1, 6)])
    store.append([_event("1", 1, "i1")])
    assert _history(store) == [("i3", 3), ("i4", 4), ("i5", 5)]


def test_a_deleted_shopper_is_unknown(store: LmdbStore) -> None:
    store.append([_event("1", 10), _event("2", 10, user_id="v")])
    assert store.delete("u")
    assert not store.delete("u")
    assert _history(store) == []
    assert _history(store, user_id="v") == [("milk", 10)]


@pytest.mark.parametrize("bad", ["", "a\0b", "x" * 257, "\ud800"])
def test_an_impossible_id_is_refused_and_nothing_is_written(store: LmdbStore, bad: str) -> None:
    with pytest.raises(InputError, match="expected 1 to 256 bytes"):
        store.append([_event("1", 10, "good"), _event("2", 10, bad)])
    with pytest.raises(InputError, match="expected 1 to 256 bytes"):
        store.append([_event("2", 10, user_id=bad)])
    assert _history(store) == []


def test_bulk_load_gives_what_appends_would(store: LmdbStore) -> None:
    users, items = np.array(["u", "v"]), np.array(["a", "b", "c"])
    shoppers = store.bulk_load(
        users, items, np.array([0, 0, 0, 0, 1]), np.array([0, 1, 2, 0, 1]), np.array([1, 2, 3, 4, 5])
    )
    assert shoppers == 2
    assert _history(store) == [("b", 2), ("c", 3), ("a", 4)]
    assert _history(store, user_id="v") == [("b", 5)]
    assert store.append([_event("new", 6, "c", user_id="v")]) == 1
    assert _history(store, user_id="v") == [("b", 5), ("c", 6)]


def test_bulk_load_refuses_events_that_are_not_sorted(store: LmdbStore) -> None:
    with pytest.raises(InputError, match="sorted by"):
        store.bulk_load(np.array(["u"]), np.array(["a"]), np.array([0, 0]), np.array([0, 0]), np.array([2, 1]))


def test_a_killed_writer_loses_nothing_it_was_told_is_there_and_does_not_block_others(tmp_path: Path) -> None:
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
    assert store.append([_event("after", 10**8)]) == 1


def test_two_processes_see_each_others_events(tmp_path: Path) -> None:
    store = LmdbStore(tmp_path)
    other = _WRITER.replace("100_000", "3")
    subprocess.run([sys.executable, "-c", other, str(tmp_path)], check=True, stdout=subprocess.DEVNULL)
    assert store.history("u", 10**9)[0] == ["i0", "i1", "i2"]


@settings(max_examples=30, deadline=None)
@given(
    events=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 50), st.sampled_from("abc")), max_size=20),
    cut=st.integers(0, 20),
)
def test_any_order_and_any_repetition_of_batches_gives_the_same_history(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[int, int, str]], cut: int
) -> None:
    by_id = {number: _event(str(number), time_s, item) for number, time_s, item in events}
    all_events = list(by_id.values())
    once = LmdbStore(tmp_path_factory.mktemp("store"), max_history=4)
    once.append(all_events)
    again = LmdbStore(tmp_path_factory.mktemp("store"), max_history=4)
    for batch in (all_events[cut:], all_events[:cut], all_events):
        again.append(batch[::-1])
    expected = sorted((event.time_s, event.item_id) for event in all_events)[-4:]
    assert _history(once) == _history(again) == [(item, time_s) for time_s, item in expected]
    once.close()
    again.close()
