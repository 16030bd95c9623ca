"""Whatever a client sends, the answer is an answer or a refusal in the protocol's shape; never a 5xx, never a crash."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from components.rollout.local.processes import SERVER_MODULE
from tests.model.serving.fuzz import ENDPOINTS, fuzz
from tests.model.serving.live_server import Server, opened

REQUESTS = 200
"""Sent to each endpoint; `python -m benchmarks.serving.fuzz` sends more."""
ROUNDS = 10


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_every_request_is_answered_or_refused(server: Server, endpoint: str) -> None:
    came = fuzz(server, endpoint, REQUESTS)
    assert sum(came.values()) >= REQUESTS


@pytest.fixture
def fuzzed(server: Server, tmp_path: Path, pytestconfig: pytest.Config) -> Iterator[Server]:
    """The server of `--fuzz-model`, else that of all tests."""
    if not (model := pytestconfig.getoption("--fuzz-model")):
        yield server
        return
    with opened(tmp_path, Path(model), SERVER_MODULE) as whole:
        yield whole


def test_ten_rounds_of_bad_requests_leave_memory_as_it_was(
    fuzzed: Server, pytestconfig: pytest.Config, report_measurement: Callable[[str, dict[str, Any]], None]
) -> None:
    """Each round sends requests of its own, the same ones in every run of the test."""
    began = time.perf_counter()
    answers: dict[str, Counter[str]] = {endpoint: Counter() for endpoint in ENDPOINTS}
    rss_mb = [_rss_mb(fuzzed)]
    each = max(pytestconfig.getoption("--fuzz-requests") // (ROUNDS * len(ENDPOINTS)), 1)
    for number in range(1, ROUNDS + 1):
        for endpoint in ENDPOINTS:
            answers[endpoint] += fuzz(fuzzed, endpoint, each, number)
        rss_mb.append(_rss_mb(fuzzed))
    figures = {
        "requests": sum(sum(came.values()) for came in answers.values()),
        "answers": {endpoint: dict(came) for endpoint, came in answers.items()},
        "rss_mb": rss_mb,
        "seconds": round(time.perf_counter() - began, 1),
    }
    report_measurement("fuzz", figures)
    assert figures["requests"] >= each * ROUNDS * len(ENDPOINTS)
    assert rss_mb[-1] < 1.2 * rss_mb[0] + 50


def _rss_mb(server: Server) -> float:
    return round(psutil.Process(server.process.pid).memory_info().rss / 1e6, 1)
