"""The serving benchmark's client and page, with hand-computed values."""

import socket
import threading
from typing import Any

from benchmarks.harness.page import render
from benchmarks.serving.load import Load, http_request, run_load
from benchmarks.serving.soak import verdict

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


def _server(most: float, p99_ms: float | None) -> dict[str, Any]:
    costs = {"cpu_ms_per_request": 2.04, "rss_mb": 1234, "rates": [{"rps": 30.0}], "other_cores": 0.31}
    return {
        "max_rps_p99_25ms": most,
        "p50_ms": 5.04,
        "p90_ms": 7.0,
        "p99_ms": p99_ms,
        "stages_ms": {"rank": 1.5},
    } | costs


def test_the_page_tells_both_servers_larger_catalogs_and_what_else_ran() -> None:
    index = {"p50_ms": 0.24, "p99_ms": 0.5, "build_s": 0.1, "rss_mb": 100, "index_recall@200": 0.957}
    result = {
        "measured": "2026-11-23T16:00:00",
        "hardware": {"cores": 2},
        "limit_ms": 25.0,
        "catalog_items": 92334,
        "mean_history": 563.6,
        "aisle": _server(180.4, 9.96),
        "peers": {"plain KServe predictor": _server(0.0, None)},
        "catalog": [
            {"items": 92334, "kind": "exact"} | index,
            {"items": 1_000_000, "kind": "lists", "lists": 4000, "probes": 256} | index,
        ],
        "runtime": {
            "network": [{"requests_at_once": 8, "tensorflow_ms": 0.351, "onnxruntime_ms": 0.27}],
            "whole_graph": "no UpperBound",
        },
    }
    text = render("serving/serving", result)
    assert "| Aisle | 180 | 5.0 ms | 7.0 ms | 10.0 ms | 2.0 ms | 1,234 MB |" in text
    assert "| plain KServe predictor | under 30 | 5.0 ms | 7.0 ms | – |" in text
    assert "92,334 items" in text and "(564 events a shopper)" in text and "up to 0.3 of the cores" in text
    assert "| 1,000,000 | lists, 256 of 4,000 looked through | 0.2 ms | 0.5 ms | 95.7 % |" in text
    assert "| 8 | 0.35 ms | 0.27 ms |" in text and "`no UpperBound`" in text and "rank 1.50 ms" in text


def test_a_soak_tells_drift_of_p99_and_growth_of_memory_after_the_first_window() -> None:
    windows = [{"minutes": 5.0, "p99_ms": p99, "rss_mb": mb} for p99, mb in [(10.0, 900), (11.0, 950), (12.0, 951)]]
    assert verdict(windows) == {"p99_drift_pct": 20.0, "rss_mb_per_hour": 12.0}
