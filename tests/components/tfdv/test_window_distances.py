"""Distances of windows of requests and purchases for the monitor, in TFDV's own environment."""

from typing import Any

import pandas as pd
import pytest

from components.kfp_support.environments import call
from model.data import columns as c
from tests.components.validate.world import clean_shop, write
from tfx_configs.settings import DataSettings, RunSettings
from tfx_configs.stages import ValidateStage
from tfx_configs.units import DAY_S
from tfx_configs.validation import ValidationSettings

LIMITS = ValidationSettings()
Skew = dict[str, float]


def requests() -> pd.DataFrame:
    """One row a trip of another season of the clean shop, as the request log has them."""
    trips = clean_shop(seed=5)["events"].groupby("basket_id").first()
    seconds = trips[c.TIME].astype("datetime64[s]").astype("int64")
    return pd.DataFrame({c.USER: trips[c.USER], "time_s": seconds, c.STORE: trips[c.STORE]}).reset_index(drop=True)


VISITS = {
    "clean": requests(),
    "few": requests()[:49].assign(store_id="s9"),
    "another store": requests().assign(store_id="s9"),
    "at night": requests().assign(time_s=requests()["time_s"] // DAY_S * DAY_S),
}


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The clean shop as training data, and all kinds of VISITS, each in a window of its own, a year apart."""
    root = tmp_path_factory.mktemp("distances")
    tables = write(clean_shop(), root / "tables")
    year_s = 400 * DAY_S
    frames = [visits.assign(time_s=visits["time_s"] + n * year_s) for n, visits in enumerate(VISITS.values())]
    pd.concat(frames).to_parquet(root / "visits.parquet")
    bought = clean_shop()["events"].assign(event_time=lambda e: e[c.TIME].astype("datetime64[s]").astype("int64"))
    bought.to_parquet(root / "purchases.parquet")
    begin_s = int(VISITS["clean"]["time_s"].min()) // DAY_S * DAY_S
    kwargs = {
        "tables_dir": str(tables),
        "out_dir": str(root / "validation"),
        "settings": ValidateStage.of(RunSettings(data=DataSettings(test_days=14))).to_json(),
        "windows": {
            "visits": [str(root / "visits.parquet")],
            "purchases": [str(root / "purchases.parquet")],
            "spans": {name: [[begin_s + n * year_s, begin_s + (n + 1) * year_s - 1]] for n, name in enumerate(VISITS)},
        },
    }
    answer: dict[str, Any] = call("validate", "tests.components.tfdv.driver:measure", kwargs)
    return answer


@pytest.fixture(scope="module")
def skew(answer: dict[str, Any]) -> dict[str, Skew]:
    """{kind of visits: distance of each feature of theirs from the training trips}"""
    assert set(answer["measured"]) == {"skew", "drift"}
    measured: dict[str, Skew] = answer["measured"]["skew"]
    return measured


def test_requests_like_the_training_trips_are_near_them(skew: dict[str, Skew]) -> None:
    assert set(skew["clean"]) == {"hour", "weekday", c.STORE}
    assert skew["clean"]["hour"] <= LIMITS.max_drift_numeric
    assert skew["clean"][c.STORE] <= LIMITS.max_drift_category


def test_a_few_requests_are_not_compared(skew: dict[str, Skew]) -> None:
    assert skew["few"] == {}


def test_requests_from_a_store_that_training_never_saw_are_far(skew: dict[str, Skew]) -> None:
    far = {name for name, value in skew["another store"].items() if value > 6 * LIMITS.max_drift_category}
    assert far == {c.STORE}


def test_requests_at_another_time_of_day_are_far(skew: dict[str, Skew]) -> None:
    assert skew["at night"]["hour"] > LIMITS.max_drift_numeric
    assert skew["at night"][c.STORE] <= LIMITS.max_drift_category


def test_training_statistics_that_are_not_there_are_named(answer: dict[str, Any]) -> None:
    assert answer["refused"].startswith("training_stats: expected a file at ")
    assert answer["refused"].endswith("lost.pb, found none")
