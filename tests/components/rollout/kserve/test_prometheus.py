import json
import math
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlparse

import pytest

from components.rollout.decision.evidence import Evidence
from components.rollout.kserve.prometheus import Sample, gather, prometheus, quantile_s
from model.errors import StageFailed

BUCKETS = [(0.01, 50.0), (0.1, 98.0), (math.inf, 100.0)]


def _query(promql: str) -> list[Sample]:
    assert "increase(" not in promql or promql.endswith(('{namespace="shop"}[600s]))', '{namespace="shop"}[60s]))'))
    if "process_resident_memory_bytes" in promql:
        return [({"version": "new"}, 512e6), ({"version": "old"}, 256e6)]
    if "contract" in promql:
        return [({"version": "new", "kind": "short"}, 2.0), ({"version": "new", "kind": "score"}, 1.0)]
    if "bucket" in promql:
        return [({"version": "new", "le": "+Inf" if math.isinf(edge) else str(edge)}, n) for edge, n in BUCKETS]
    return [
        ({"version": "new", "outcome": "ok", "rung": "full"}, 90.2),
        ({"version": "new", "outcome": "ok", "rung": "popular"}, 5.0),
        ({"version": "new", "outcome": "error", "rung": ""}, 3.0),
        ({"version": "new", "outcome": "shed", "rung": ""}, 2.0),
        ({"version": "new", "outcome": "bad_request", "rung": ""}, 40.0),
        ({"version": "old", "outcome": "ok", "rung": "full"}, 60.0 if "[60s]" in promql else 900.0),
    ]


def _gather(canary: str = "new", age_s: float = 0.0) -> Evidence:
    return gather(_query, namespace="shop", stable="old", canary=canary, window_s=600.0, ready=True, age_s=age_s)


def test_each_versions_requests_failures_refusals_and_fallbacks_are_counted() -> None:
    """3 errors, 2 turned away and 3 answers that broke the contract; 40 refused besides, which the split has too."""
    evidence = _gather(age_s=900.0)
    canary, stable = evidence.canary, evidence.stable
    assert (canary.requests, canary.errors, canary.fallbacks) == (100, 8, 5)
    assert (canary.violations, canary.refused) == (3, 40)
    assert (stable.requests, stable.errors, stable.fallbacks, stable.refused) == (900, 0, 0, 0)
    assert (canary.shoppers, stable.shoppers) == (3, 18)  # 140 and 900 requests, 50 a shopper
    assert (canary.recent_requests, canary.recent_failures) == (140, 48)
    assert (stable.recent_requests, stable.recent_failures) == (60, 0)
    assert (canary.memory_mb, stable.memory_mb) == (512.0, 256.0)
    assert (evidence.age_s, evidence.share_age_s) == (900.0, 600.0)
    assert (canary.trips, canary.hits) == (0, 0)
    assert (evidence.canary_ready, evidence.age_s) == (True, 900.0)


def test_a_quantile_lies_in_its_bucket_and_is_surely_above_the_buckets_lower_edge() -> None:
    assert quantile_s(BUCKETS, 25) == (0.0, pytest.approx(0.005))
    # The 74th of those up to 0.1 s: half of the way from the 50th to the 98th.
    assert quantile_s(BUCKETS, 74) == (0.01, pytest.approx(0.055))
    assert quantile_s(BUCKETS, 99) == (0.1, 0.1)
    assert quantile_s([], 0) == (0.0, 0.0)


def test_the_bound_of_the_p99_is_a_lower_edge() -> None:
    # 99 - 2.3263 * sqrt(0.99) = 96.7: between the 50th and the 98th.
    canary = _gather().canary
    assert (canary.p99_low_ms, canary.p99_ms) == (10.0, 100.0)


def test_a_version_without_metrics_has_no_requests() -> None:
    assert _gather(canary="unknown").canary.requests == 0


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        asked = parse_qs(urlparse(self.path).query)["query"][0]
        result = [{"metric": {"version": asked}, "value": [1.0, "2.5"]}]
        body = json.dumps({"status": "success", "data": {"result": result}}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture
def url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_prometheus_is_asked_over_http(url: str) -> None:
    assert prometheus(f"{url}/")("sum(a[1s])") == [({"version": "sum(a[1s])"}, 2.5)]


def test_a_prometheus_that_does_not_answer_is_named() -> None:
    with pytest.raises(StageFailed, match=r"http://127\.0\.0\.1:9: expected Prometheus to answer"):
        prometheus("http://127.0.0.1:9")("up")
