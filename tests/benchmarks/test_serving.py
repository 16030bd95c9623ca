"""The serving benchmark's client and page, with hand-computed values."""

import socket
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.harness.page import render
from benchmarks.serving.__main__ import ratios
from benchmarks.serving.before import COMMIT, sources
from benchmarks.serving.grpc_load import rung_of
from benchmarks.serving.load import Load, Target, http_request, run_load
from benchmarks.serving.search import AGREE, STEP, Pace, Search
from benchmarks.serving.soak import verdict
from model.errors import InputError

TARGET = Target(percent=99, limit_ms=25.0, least_full=0.99)
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{"rung":"full"} \n'


def test_what_is_lost_counts_as_the_slowest() -> None:
    load = Load(rps=1, seconds=1, latency_ms=[4.0, 1.0, 3.0, 2.0])
    assert (load.quantile_ms(0.5), load.quantile_ms(0.99)) == (3.0, 4.0)
    load.lost = 1
    assert load.quantile_ms(0.99) == float("inf")


def test_the_client_sends_at_its_rate_and_reads_answers_that_come_in_pieces() -> None:
    request = http_request("/v2/models/aisle/infer", b"{}")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_serve, args=(listening, len(request)), daemon=True).start()
        load = run_load(listening.getsockname()[1], [request], rps=200, seconds=0.25, seed=1)
    assert load.statuses == {200: 50} and load.rungs == {"full": 50} and load.lost == 0
    assert len(load.latency_ms) == 50 and min(load.latency_ms) > 0


def _serve(listening: socket.socket, size: int) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(connection, size), daemon=True).start()


def _answer(connection: socket.socket, size: int) -> None:
    while len(connection.recv(size, socket.MSG_WAITALL)) == size:
        connection.sendall(ANSWER[:10])
        connection.sendall(ANSWER[10:])


def test_a_rate_holds_when_nothing_is_late_lost_refused_or_made_by_less_than_the_model() -> None:
    def load(slow: int = 0, refused: int = 0, lower: int = 0, lost: int = 0, stopped: bool = False) -> Load:
        return Load(
            rps=100.0,
            seconds=10.0,
            latency_ms=[3.0] * (1000 - slow) + [30.0] * slow,
            statuses=Counter({200: 1000 - refused, 503: refused}),
            rungs=Counter({"full": 1000 - refused - lower, "popular": lower}),
            lost=lost,
            stopped=stopped,
        )

    assert TARGET.held(load()) and TARGET.held(load(slow=9)) and TARGET.held(load(lower=10))
    failed = [load(slow=10), load(refused=1), load(lower=11), load(lost=1), load(stopped=True)]
    assert not any(map(TARGET.held, failed))
    assert Target(percent=99, limit_ms=25.0).held(load(lower=11))  # a server whose rungs do not count
    assert not TARGET.held(Load(rps=1.0, seconds=1.0, statuses=Counter({200: 0})))


def test_a_round_ends_early_only_when_the_rest_cannot_save_it() -> None:
    load = Load(rps=1.0, seconds=1.0, statuses=Counter({200: 50}), rungs=Counter({"full": 50}))
    load.late_than[TARGET.limit_ms] = 10
    assert not TARGET.hopeless(load, planned=1000) and TARGET.hopeless(load, planned=999)
    load.late_than.clear()
    load.statuses[503] = 1
    assert TARGET.hopeless(load, planned=1000)


def test_a_client_that_stops_early_counts_nothing_as_lost() -> None:
    request = http_request("/v2/models/aisle/infer", b"{}")
    impossible = Target(percent=50, limit_ms=0.0)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_serve, args=(listening, len(request)), daemon=True).start()
        load = run_load(listening.getsockname()[1], [request], 200, 1.0, seed=1, target=impossible)
    assert load.stopped and load.lost == 0 and 100 < load.statuses[200] < 200


def _search(holds: Callable[[float, int], bool]) -> tuple[Search, list[tuple[float, float]]]:
    """A search over servers that hold a rate in its n-th round or not; and what it asked."""
    asked: list[tuple[float, float]] = []

    def ask(rps: float, seconds: float, target: Target) -> Load:
        earlier = [rate for rate, _ in asked].count(rps)
        asked.append((rps, seconds))
        latency_ms = 5.0 if holds(rps, earlier) else 50.0
        statuses, rungs = Counter({200: 100}), Counter({"full": 100})
        return Load(rps=rps, seconds=seconds, latency_ms=[latency_ms] * 100, statuses=statuses, rungs=rungs)

    return Search(ask, TARGET, Pace()), asked


def test_the_bracket_closes_around_the_highest_rate_and_both_ends_are_repeated() -> None:
    search, asked = _search(lambda rps, _: rps < 300)
    highest = search.highest(100.0)
    # 100, 150, 225 hold, 337.5 fails; halved twice: 275.6 holds, 305 fails.
    assert round(highest, 1) == 275.6
    long_rounds = Counter(round(rps, 1) for rps, seconds in asked if seconds == Pace().long_s)
    assert long_rounds == {337.5: 1, 275.6: AGREE, 305.0: AGREE}
    assert [rate["rps"] for rate in search.report()] == [100.0, 150.0, 225.0, 275.6, 305.0, 337.5]


def test_one_disturbed_round_of_the_climb_does_not_end_it() -> None:
    search, _ = _search(lambda rps, earlier: rps < 300 and not (rps == 150.0 and earlier == 0))
    assert round(search.highest(100.0), 1) == 275.6


def test_a_rate_that_does_not_hold_again_gives_way_to_the_one_below() -> None:
    search, _ = _search(lambda rps, earlier: rps < 200 or (rps == 225.0 and earlier == 0))
    # The climb passes 225 in its first round; later rounds there fail, as do those between it and 337.5.
    assert search.highest(100.0) == 150.0


def test_the_search_goes_down_where_the_first_rate_fails_and_ends_without_any() -> None:
    search, _ = _search(lambda rps, _: rps < 50)
    assert 50 / STEP**0.25 <= search.highest(100.0) < 50
    search, _ = _search(lambda rps, _: False)
    assert search.highest(100.0) == 0.0


def test_the_rung_is_read_out_of_a_grpc_answer_without_parsing_it() -> None:
    entry = b"\n\x04rung\x12\x06\x1a\x04full"
    assert rung_of(b'\n\x05aisle"' + bytes([len(entry)]) + entry + b"*\x00") == "full"
    assert rung_of(b"\n\x05aisle") == ""


def test_a_clone_without_the_old_commit_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=f"this clone does not have commit {COMMIT[:7]}; run `git fetch"):
        sources(tmp_path / "before")


def test_ratios_compare_cpu_at_half_of_the_old_rate_and_the_highest_rates() -> None:
    old = {"max_rps_p99_25ms": 120.0, "half_rps": 60.0, "cpu_ms_per_request": 5.0}
    got = ratios({"max_rps_p99_25ms": 600.0}, {"cpu_ms_per_request": 2.0}, old)
    assert got == {"at_rps": 60.0, "cpu_ms_per_request": 2.0, "cpu": 2.5, "rps": 5.0}
    assert ratios({"max_rps_p99_25ms": 600.0}, None, {"not_run": "why"}) == {}


def _server(most: float, p99_ms: float | None, **more: Any) -> dict[str, Any]:
    costs = {"cpu_ms_per_request": 2.04, "client_cpu_ms_per_request": 0.2, "rss_mb": 1234, "rss_warm_mb": 1200}
    return {
        "max_rps_p99_25ms": most,
        "p50_ms": 5.04,
        "p90_ms": 7.0,
        "p99_ms": p99_ms,
        "half_rps": most / 2,
        "stages_ms": {"rank": 1.5},
        "ready_s": 3.2,
        "rates": [{"rps": 30.0}],
        "other_cores": 0.31,
        **costs,
        **more,
    }


def _result() -> dict[str, Any]:
    asked = {"p50_ms": 2.24, "p99_ms": 4.5, "cpu_ms_per_request": 1.1, "ready_s": 3.0, "rss_mb": 400, "size_mb": 34}
    index = {"index_recall@200": 0.957, "rps": 60.0}
    grpc = {"max_rps_p99_25ms": 250.0, "cpu_ms_per_request": 3.0}
    return {
        "measured": "2026-11-23T16:00:00",
        "hardware": {"cores": 2},
        "limit_ms": 25.0,
        "least_full": 0.99,
        "rounds_s": {"climb": 4.0, "deciding": 20.0, "of_a_decision": 2},
        "catalog_items": 92334,
        "candidates": 112,
        "mean_history": 563.6,
        "client_core": "own",
        "aisle": _server(1280.4, 9.96, grpc=grpc),
        "before": _server(180.4, 12.0, commit="5178eb8"),
        "ratios": {"at_rps": 90.2, "cpu_ms_per_request": 0.9, "cpu": 2.27, "rps": 7.1},
        "two_cores": {
            "max_rps_p90_7ms": 900.0,
            "max_rps_p99_25ms": 1500.0,
            "cpu_ms_per_request": 1.0,
            "client_cpu_ms_per_request": 0.2,
            "gain": 1.17,
            "loop_gain": 1.96,
            "client_core": "shared with the server",
            "grpc": grpc,
        },
        "peers": {"plain KServe predictor": _server(0.0, None)},
        "not_run": {"TensorFlow Serving": "no server in PyPI"},
        "catalog": [
            {"items": 92334, "kind": "exact"} | asked | index,
            {"items": 1_000_000, "kind": "lists", "lists": 4000, "probes": 256} | asked | index,
        ],
        "networks": {"candidates": 112, "saved_model_ms": 0.351, "onnxruntime_ms": 0.127},
    }


def test_the_page_tells_all_servers_larger_catalogs_and_what_else_ran() -> None:
    text = render("serving/serving", _result())
    row = "| 5.0 ms | 7.0 ms | 10.0 ms | 2.04 ms | 3 s | 1,200 MB | 1,234 MB |"
    assert f"| Aisle | 1,280 {row}" in text and "| Aisle at commit 5178eb8 | 180 |" in text
    assert "| plain KServe predictor | under 30 | 5.0 ms | 7.0 ms | – |" in text
    assert "92,334 items" in text and "(564 events a shopper)" in text and "up to 0.3 of the cores" in text
    assert "candidates as Aisle ranks, 112" in text and "Not run: TensorFlow Serving (no server in PyPI)." in text
    assert "At 90 requests a second, half of what commit 5178eb8 holds, Aisle takes 0.90 ms" in text
    assert "2.3 times as much; Aisle holds 7.1 times as many requests." in text
    assert "| two cores | 1,500 | 1.00 ms | 0.20 ms | 250 | 3.00 ms | shared with the server |" in text
    assert "makes 1.17 times as many" in text and "gains 1.96 times here" in text and "hold 900 requests" in text
    assert "| 1,000,000 | lists, 256 of 4,000 looked through | 95.7 % | 2.2 ms | 4.5 ms |" in text
    assert "112 candidates: 0.35 ms of CPU in TensorFlow, 0.13 ms" in text and "rank 1.50 ms" in text


def test_the_page_says_why_there_is_nothing_to_compare_with_before() -> None:
    text = render("serving/serving", _result() | {"before": {"not_run": "this clone has no commit"}, "ratios": {}})
    assert "Not compared with the commit before the compiled core: this clone has no commit." in text
    assert "at commit" not in text


def test_a_soak_tells_drift_of_p99_and_growth_of_memory_after_the_first_window() -> None:
    windows = [{"minutes": 5.0, "p99_ms": p99, "rss_mb": mb} for p99, mb in [(10.0, 900), (11.0, 950), (12.0, 951)]]
    assert verdict(windows) == {"p99_drift_pct": 20.0, "rss_mb_per_hour": 12.0}
