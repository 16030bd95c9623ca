"""Each attack against a real server: what it is answered with, and what of acknowledged purchases counts as lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.abuse import soak
from benchmarks.abuse.attacks import ATTACKS, main
from benchmarks.abuse.faults import MAX_HISTORY, lost
from model.serving.history.lmdb_store import LmdbStore
from model.serving.history.store import Event
from tests.model.serving.fake_server import write_model
from tests.model.serving.live_server import FAKE, Server, live_server

ANSWERS = {
    "stalled bodies": {"503", "408", "closed", "held to the end"},
    "slow headers": {"408", "closed", "held to the end"},
    "idle connections": {"closed", "held to the end"},
    "800 MB in chunks": {"413", "closed", "held to the end"},
    "70,000 inputs": {"400", "413", "closed", "held to the end"},
    "event batches": {"202", "413", "503", "closed", "held to the end"},
    "flood of requests": {"200", "503", "held to the end"},
    "not HTTP": {"400", "closed", "held to the end"},
    "gRPC, 180,000 inputs": {"INVALID_ARGUMENT", "RESOURCE_EXHAUSTED", "held to the end"},
}


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with live_server(tmp_path_factory.mktemp("attacked"), "v1", items=["a"]) as server:
        yield server


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_answered_by_refusals_and_the_server_lives(attacked: Server, name: str) -> None:
    port = attacked.grpc_port if name.startswith("gRPC") else attacked.port
    answers = main(name, str(port), "1")
    assert answers and set(answers) <= ANSWERS[name]
    attacked.process.check_alive()
    assert attacked.call("GET", "/v2/health/live")[0] == 200


def test_what_was_acknowledged_and_is_not_stored_is_lost(tmp_path: Path) -> None:
    store = LmdbStore(tmp_path, MAX_HISTORY)
    store.append([Event(event_id=item, user_id="u", item_id=item, time_s=1) for item in ("a", "b")])
    assert lost(store, [("u", "a"), ("u", "b")]) == 0
    assert lost(store, [("u", "a"), ("u", "c"), ("v", "a")]) == 2


def test_a_soak_reports_each_window_and_every_answer_is_counted_by_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(soak, "SCRATCH", tmp_path / "soak")
    model = write_model(tmp_path / "model", "v1", items=["a"])
    result = soak.main(minutes=2, model=model, module=FAKE, window_s=1.0)
    assert [window["attack"] for window in result["windows"]] == ["none", "stalled bodies"]
    assert all(window["requests"] == soak.VICTIM_RPS and window["p99_ms"] > 0 for window in result["windows"])
    assert result["answers_not_counted"] == 0


def test_what_the_server_counts_is_by_status(attacked: Server) -> None:
    before = soak.counted(attacked.port)
    assert attacked.call("POST", "/v2/models/aisle/infer", b"no JSON")[0] == 400
    assert attacked.call("POST", "/events", b" " * 2_000_000)[0] == 413
    counts = soak.counted(attacked.port) - before
    assert (counts["400"], counts["413"]) == (1, 1)
