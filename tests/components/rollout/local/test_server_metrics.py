"""The stages of an answer add up to what its client waited."""

import pytest

from components.rollout.local import server_metrics as stages
from components.rollout.local.server_metrics import stage_ms, stage_seconds

METRICS = """# TYPE aisle_stage_seconds histogram
aisle_stage_seconds_bucket{version="v1",stage="rank",le="+Inf"} 2.0
aisle_stage_seconds_count{version="v1",stage="rank"} 2.0
aisle_stage_seconds_sum{version="v1",stage="rank"} 0.5
aisle_stage_seconds_sum{version="v1",stage="state"} 0.25
# TYPE aisle_queue_seconds histogram
aisle_queue_seconds_sum{version="v1"} 0.125
# TYPE aisle_request_seconds histogram
aisle_request_seconds_sum{version="v1"} 1.0
"""


def test_the_seconds_of_all_servers_are_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "get", lambda port, path: (200, METRICS.encode()))
    assert stage_seconds([1, 2]) == {"rank": 1.0, "state": 0.5, "queue": 0.25, "server, the rest": 2.0}


def test_stages_add_up_to_the_mean_answer() -> None:
    before = {"rank": 1.0, "server, the rest": 2.0}
    after = {"rank": 1.4, "state": 0.1, "server, the rest": 3.0}
    milliseconds = stage_ms(before, after, 100, 12.5)
    expected = {"Envoy and HTTP": 2.5, "rank": 4.0, "state": 1.0, "server, the rest": 5.0}
    assert milliseconds == pytest.approx(expected) and sum(milliseconds.values()) == pytest.approx(12.5)


def test_servers_without_metrics_have_no_phases() -> None:
    assert stage_ms({}, {}, 100, 12.5) == {}
