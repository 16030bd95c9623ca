"""Statistics of stored tables in batches, in TFDV's own environment: the same as of a frame, without thinning."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from components.kfp_support.environments import call
from tests.components.beam import flink
from tests.components.validate.world import clean_shop, described, write
from tests.needs import FLINK
from tfx_configs.beam import BeamSettings
from tfx_configs.settings import DataSettings, RunSettings
from tfx_configs.stages import ValidateStage
from tfx_configs.validation import ValidationSettings

DRIVER = "tests.components.tfdv.driver"


def shop(root: Path) -> Path:
    """The shop with items of which one number is often missing, and one month that lacks the column request_id."""
    frames = described(clean_shop())
    shelf = pd.Series(range(40), dtype="Int64").where(lambda values: values % 7 != 0)
    folder = write(
        frames
        | {
            "items": frames["items"].assign(
                shelf=shelf, weight=0.5, unused=None, empty=pd.Series(pd.NA, range(40), dtype="string")
            )
        },
        root,
    )
    first = next((folder / "events").glob("month=2024-01/*.parquet"))
    pq.write_table(pq.read_table(first).drop_columns(["request_id"]), first)
    return folder


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shop(tmp_path_factory.mktemp("tables"))


def settings(beam: BeamSettings = BeamSettings(), max_rows: int = 2_000_000, max_duplicate_percent: float = 1.0) -> str:
    validation = ValidationSettings(max_rows=max_rows, max_duplicate_percent=max_duplicate_percent)
    return ValidateStage.of(RunSettings(data=DataSettings(test_days=14), validation=validation, beam=beam)).to_json()


def assert_same(measured: dict[str, Any], expected: dict[str, Any]) -> None:
    assert measured.keys() == expected.keys()
    for column, values in expected.items():
        assert measured[column] == pytest.approx(values, rel=1e-6), column


def test_counts_and_beams_transform_give_the_statistics_of_the_rows(tables: Path, tmp_path: Path) -> None:
    """Values counted at once and in batches of 97 rows, and Beam with copied files, of all rows and of one stretch; the
    most frequent of many values where they are counted exactly."""
    kwargs = {"tables_dir": str(tables), "work_dir": str(tmp_path), "batch": 97}
    answer = call("validate", f"{DRIVER}:compare_statistics", kwargs)
    rows = answer["tfdv"]
    assert rows.keys() == {"events", "items", "stretch"}
    assert rows["events"]["price"]["rows"] == 4200
    assert 1000 < rows["stretch"]["log_price"]["rows"] < 2000 and "price" not in rows["stretch"]
    assert rows["items"]["shelf"]["values"] == 34 and not {"unused", "empty"} & rows["items"].keys()
    for name, of_rows in rows.items():
        exact = answer["beam"][name]
        assert_same(answer["sketched"][name], of_rows)
        assert_same({column: {of: exact[column][of] for of in values} for column, values in of_rows.items()}, of_rows)
        for route in ("frame", "batches"):
            assert_same(answer[route][name], exact)
    assert answer["batches"]["events"]["basket_id"]["top 0"] == 3


def test_a_fault_in_one_row_of_a_large_table_is_found(tmp_path: Path) -> None:
    """Every fifth row is held for the plain checks; the one bad price and the one copy are others. So is a day's copy,
    which stops for being one: it is too few rows to stop for their number."""
    frames = clean_shop()
    events = frames["events"].copy()
    events.loc[7, "price"] = -3.0
    events = pd.concat([events.iloc[:9], events.iloc[8:]], ignore_index=True)
    folder = write(frames | {"events": events}, tmp_path / "tables")
    day = frames["events"][frames["events"]["event_time"].dt.strftime("%m-%d") == "02-03"]
    loaded_twice = write(frames | {"events": pd.concat([frames["events"], day])}, tmp_path / "loaded_twice")
    kwargs = {
        "folders": [str(folder), str(loaded_twice)],
        "out_root": str(tmp_path / "out"),
        "settings_json": settings(max_rows=1000, max_duplicate_percent=5.0),
    }
    answers = call("validate", "tests.components.validate.driver:validate_all", kwargs)
    (twice,) = [a for a in answers[str(loaded_twice)]["result"]["anomalies"] if a["check"] == "duplicate_key"]
    assert twice["severity"] == "stop" and twice["received"].startswith("60 rows (1.4 %)")
    assert twice["received"].endswith(", most on 2024-02-03")
    answer = answers[str(folder)]
    assert answer["summary"]["verdict"] == "stop"
    (finding,) = [anomaly for anomaly in answer["result"]["anomalies"] if anomaly["column"] == "price"]
    assert finding["check"] == "tfdv:FLOAT_TYPE_SMALL_FLOAT" and finding["received"] == "-3 to 40"
    (copied,) = [anomaly for anomaly in answer["result"]["anomalies"] if anomaly["check"] == "duplicate_key"]
    assert copied["severity"] == "warn" and copied["received"].startswith("1 ")
    assert answer["result"]["rows"]["events"] == 4201 and answer["result"]["rows_examined"]["events"] == 841


@pytest.mark.needs("java", FLINK)
def test_validation_on_flink_has_the_verdict_and_statistics_of_one_process(tables: Path, tmp_path: Path) -> None:
    answers = {}
    for name, beam in {"here": BeamSettings(), "flink": flink.embedded()}.items():
        kwargs = {"tables_dir": str(tables), "out_dir": str(tmp_path / name), "settings": settings(beam)}
        answers[name] = call("validate", f"{DRIVER}:validated", kwargs)
    assert answers["flink"]["report"] == answers["here"]["report"]
    assert answers["flink"]["report"]["drift"]
    for table, expected in answers["here"]["statistics"].items():
        assert_same(answers["flink"]["statistics"][table], expected)
