"""A serving request log against the SERVING schema and the training trips, in TFDV's own environment."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from components.kfp_support.environments import call
from tests.components.validate.world import clean_shop, write
from tfx_configs.settings import DataSettings, RunSettings

SETTINGS = RunSettings(data=DataSettings(test_days=14)).to_json()
Line = dict[str, Any]


def lines() -> list[Line]:
    """One row a trip of another season of the clean shop, as model/serving/request_log/writer.py writes them."""
    trips = clean_shop(seed=5)["events"].groupby("basket_id").first()
    return [
        {
            "request_id": f"r{i}",
            "version": "v1",
            "user_id": trip.user_id,
            "time_s": int(trip.event_time.timestamp()),
            "store_id": trip.store_id,
            "k": 10,
            "item_ids": ["i1"],
            "scores": [0.5],
            "reasons": ["popular"],
            "latency_ms": 3.1,
            "logged_s": 1.0,
        }
        for i, trip in enumerate(trips.itertuples())
    ]


def text(change: Callable[[Line], Line]) -> str:
    return "".join(json.dumps(change(line)) + "\n" for line in lines())


LOGS = {
    "clean": text(lambda line: line),
    "of a killed process": text(lambda line: line) + '{"request_id": "r9',
    "few": "".join(json.dumps(line) + "\n" for line in lines()[:50]).replace('"s1"', '"s9"'),
    "another store": text(lambda line: line | {"store_id": "s9"}),
    "all at night": text(lambda line: line | {"time_s": line["time_s"] // 86_400 * 86_400}),
    "no store": text(lambda line: {name: value for name, value in line.items() if name != "store_id"}),
    "some without shopper": text(lambda line: line | ({"user_id": None} if line["request_id"] < "r2" else {})),
    "milliseconds": text(lambda line: line | {"time_s": line["time_s"] * 1000}),
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """{name: what skew returned}."""
    root = tmp_path_factory.mktemp("skew")
    for name, log in LOGS.items():
        (root / name).mkdir()
        (root / name / "v1-1-1-000001.journal").write_text(log)
    (root / "empty").mkdir()
    (root / "no log").mkdir()
    (root / "no log" / "x.parquet").write_text("x")
    names = (*LOGS, "lost", "empty", "no log")
    asked = {
        "tables": str(write(clean_shop(), root / "tables")),
        "out_root": str(root / "out"),
        "logs": [str(root / name) for name in names],
        "settings_json": SETTINGS,
    }
    results = call("validate", "tests.components.validate.driver:skew_after_validation", asked)
    return {name: results[str(root / name)] for name in names}


def findings(answer: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(a["column"], a["check"], a["severity"]) for a in answer["anomalies"]]


def test_requests_like_the_training_trips_have_no_findings(answers: dict[str, Any]) -> None:
    assert findings(answers["clean"]) == []
    assert answers["clean"]["requests"] == 1400
    assert {d["feature"] for d in answers["clean"]["skew"]} == {"hour", "weekday", "store_id"}


def test_what_a_killed_process_left_is_normal(answers: dict[str, Any]) -> None:
    assert findings(answers["of a killed process"]) == []
    assert answers["of a killed process"]["requests"] == 1400


def test_a_few_requests_are_not_compared(answers: dict[str, Any]) -> None:
    assert (findings(answers["few"]), answers["few"]["skew"]) == ([], [])


def test_requests_from_a_store_that_training_never_saw_stop(answers: dict[str, Any]) -> None:
    assert findings(answers["another store"]) == [("store_id", "skew", "stop")]


def test_requests_at_another_time_of_day_warn(answers: dict[str, Any]) -> None:
    assert findings(answers["all at night"]) == [("hour", "skew", "warn")]


@pytest.mark.parametrize(
    ("name", "column"),
    [("no store", "store_id"), ("some without shopper", "user_id")],
)
def test_what_the_serving_schema_demands_stops_when_it_is_not_there(
    answers: dict[str, Any], name: str, column: str
) -> None:
    stops = [a for a in answers[name]["anomalies"] if a["severity"] == "stop"]
    assert [a["column"] for a in stops] == [column]
    assert all(stops[0][field] for field in ("expected", "received", "what_to_do"))


def test_milliseconds_are_times_of_the_future(answers: dict[str, Any]) -> None:
    assert ("event_time", "future_time", "stop") in findings(answers["milliseconds"])


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("lost", "request log: expected a directory at "),
        ("empty", "request log: expected at least one row in "),
        ("no log", "request log: "),
    ],
)
def test_a_log_that_cannot_be_read_is_refused_with_the_reason(answers: dict[str, Any], name: str, why: str) -> None:
    assert answers[name]["refused"].startswith(why)
