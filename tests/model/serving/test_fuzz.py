"""Whatever a client sends, the answer is an answer or a refusal in the protocol's shape; never a 5xx, never a crash."""

import pytest

from tests.model.serving.fuzz import DOORS, fuzz
from tests.model.serving.live_server import Server

REQUESTS = 200
"""Sent through each door; `python -m benchmarks.serving.fuzz` sends more."""


@pytest.mark.parametrize("door", DOORS)
def test_whatever_comes_is_answered_or_refused(server: Server, door: str) -> None:
    came = fuzz(server, door, REQUESTS)
    assert sum(came.values()) >= REQUESTS
