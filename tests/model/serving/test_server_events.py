"""Purchases sent to one real server process, and the answers that follow them."""

import time
from datetime import UTC, datetime

import pytest

from model.request_log.reader import read
from model.serving.http.events import STRUCTURED
from tests.model.serving.live_server import Server, event, outputs, tensor


def test_a_purchase_is_seen_by_the_next_request_but_not_by_one_as_of_before_it(server: Server) -> None:
    events = [event("1", "shopper", "milk", "2020-01-01T10:00:00Z")]
    assert server.events(events) == (202, {"accepted": 1, "added": 1})
    assert server.events(events[0], STRUCTURED) == (202, {"accepted": 1, "added": 0})
    k = tensor("k", 1, datatype="INT32")
    after = server.infer(tensor("user_id", "shopper"), k, tensor("request_time", "2020-01-01T10:00:01Z"))[1]
    at = server.infer(tensor("user_id", "shopper"), k, tensor("request_time", "2020-01-01T10:00:00Z"))[1]
    assert outputs(after) == {"item_id": ["milk"], "score": [1.0], "reason": ["bought_before"]}
    assert outputs(at)["item_id"] == ["a"]


def _now(seconds: int = 0) -> str:
    return datetime.fromtimestamp(time.time() + seconds, UTC).isoformat(timespec="seconds")


def test_a_purchase_of_this_second_and_of_a_till_whose_clock_is_ahead_are_in_the_next_answer(server: Server) -> None:
    """Twenty shoppers; new_only: what they bought must not be listed, and the model lists a, b and c."""
    new_only = tensor("new_only", True, datatype="BOOL")
    for n in range(20):
        server.events([event("1", f"quick-{n}", "a", _now()), event("2", f"quick-{n}", "b", _now(240))])
        status, answer = server.infer(tensor("user_id", f"quick-{n}"), new_only, id=f"quick-{n}")
        assert (status, outputs(answer)["item_id"], answer["parameters"]["state"]) == (200, ["c"], "found")
    deadline = time.monotonic() + 5
    while not (rows := [row for row in read(server.log).to_pylist() if row["request_id"] == "quick-19"]):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert 235 < rows[0]["time_s"] - rows[0]["logged_s"] < 245  # one second after the newest event


def test_an_event_from_far_ahead_is_taken_as_of_now_and_counted(server: Server) -> None:
    def counted() -> float:
        lines = server.call("GET", "/metrics")[1].splitlines()
        return float(next(line for line in lines if line.startswith("aisle_events_ahead_total ")).split()[1])

    before = counted()
    assert server.events([event("1", "ahead", "a", "2999-01-01T00:00:00Z")])[0] == 202
    assert counted() == before + 1
    answer = server.infer(tensor("user_id", "ahead"), tensor("request_time", _now(5)))[1]
    assert answer["parameters"]["state"] == "found"


def test_what_was_never_bought_is_so_beyond_the_events_that_are_stored(server: Server) -> None:
    """The store keeps 100 events of a shopper."""
    server.events([event("first", "long", "a", "2020-01-01T10:00:00Z")])
    server.events([event(str(n), "long", "x", f"2020-01-02T10:{n // 60:02}:{n % 60:02}Z") for n in range(120)])
    new_only = tensor("new_only", True, datatype="BOOL")
    assert outputs(server.infer(tensor("user_id", "long"), new_only)[1])["item_id"] == ["b", "c"]
    assert outputs(server.infer(tensor("user_id", "long"))[1])["item_id"] == ["x", "a", "b", "c"]
    shelves = outputs(server.infer(tensor("user_id", "long"), tensor("k_new", 5, datatype="INT32"))[1])
    assert (shelves["item_id"], shelves["new_item_id"]) == (["x"], ["b", "c"])


def test_a_bad_event_in_a_batch_is_named_and_the_good_ones_are_taken(server: Server) -> None:
    good, bad = event("1", "mixed", "a", "2020-01-01T10:00:00Z"), event("2", "mixed", "", "2020-01-01T10:00:00Z")
    status, answer = server.events([good, bad])
    assert (status, answer["accepted"], answer["added"], answer["refused"]) == (202, 1, 1, 1)
    assert answer["errors"][0]["index"] == 1
    assert answer["errors"][0]["error"].startswith("item_id: expected 1 to 256")
    status, answer = server.events([bad, bad])
    assert (status, answer["refused"]) == (400, 2) and answer["error"].startswith("event 0: item_id")


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"specversion": "1.0"}'])
def test_a_bad_event_is_a_400_with_one_line(server: Server, body: bytes) -> None:
    status, answer = server.call("POST", "/events", body, content_type=STRUCTURED)
    assert status == 400
    assert list(answer) == ["error"] and "\n" not in answer["error"]


def test_a_shopper_is_forgotten_over_http(server: Server) -> None:
    server.events([event("gone", "leaver", "milk", "2020-01-01T10:00:00Z")])
    assert server.infer(tensor("user_id", "leaver"))[1]["parameters"]["state"] == "found"
    assert server.call("DELETE", "/shoppers/leaver") == (200, {"deleted": True})
    assert server.infer(tensor("user_id", "leaver"))[1]["parameters"]["state"] == "unknown"
