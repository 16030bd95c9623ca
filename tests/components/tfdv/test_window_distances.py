"""Distances of windows of requests and purchases for the monitor, in TFDV's own environment."""

from pathlib import Path

import pandas as pd
import pytest

from components.artifacts.validation import Validation
from components.kfp_support.environments import call
from model.data import columns as c
from model.errors import InputError
from tests.components.validate.world import clean_shop, write
from tfx_configs.settings import DAY_S, DataSettings, RunSettings
from tfx_configs.validation import ValidationSettings

DISTANCES = "components.tfdv.window_distances:distances"
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
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """tables/ of the clean shop, validated into validation/."""
    root = tmp_path_factory.mktemp("distances")
    tables = write(clean_shop(), root / "tables")
    settings = RunSettings(data=DataSettings(test_days=14)).to_json()
    places = {"tables_dir": str(tables), "out_dir": str(root / "validation")}
    call("validate", "components.validate.run:validate_from_json", places | {"settings": settings})
    return root


@pytest.fixture(scope="module")
def skew(root: Path) -> dict[str, Skew]:
    """{kind of visits: distance of each feature of theirs from the training trips}; a year apart, in one call."""
    year_s = 400 * DAY_S
    frames = [visits.assign(time_s=visits["time_s"] + n * year_s) for n, visits in enumerate(VISITS.values())]
    pd.concat(frames).to_parquet(root / "visits.parquet")
    bought = clean_shop()["events"].assign(event_time=lambda e: e[c.TIME].astype("datetime64[s]").astype("int64"))
    bought.to_parquet(root / "purchases.parquet")
    begin_s = int(VISITS["clean"]["time_s"].min()) // DAY_S * DAY_S
    spans = {name: [[begin_s + n * year_s, begin_s + (n + 1) * year_s - 1]] for n, name in enumerate(VISITS)}
    kwargs = {
        "training_stats": str(Validation(root / "validation").requests_stats),
        "visits": [str(root / "visits.parquet")],
        "purchases": [str(root / "purchases.parquet")],
        "spans": spans,
    }
    measured: dict[str, dict[str, Skew]] = call("validate", DISTANCES, kwargs)
    assert set(measured) == {"skew", "drift"}
    return measured["skew"]


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


def test_training_statistics_that_are_not_there_are_named(tmp_path: Path) -> None:
    kwargs = {"training_stats": str(tmp_path / "lost.pb"), "visits": [], "purchases": [], "spans": {}}
    with pytest.raises(InputError, match=r"training_stats: expected a file at .*lost\.pb, found none"):
        call("validate", DISTANCES, kwargs)
