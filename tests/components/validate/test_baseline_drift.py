"""Against the span of the blessed model: faults that were there from the first day, in TFDV's own environment."""

from pathlib import Path
from typing import Any

import pytest

from components.kfp_support.environments import call
from tests.components.validate.corruptions import SINCE_REFERENCE, Corruption, handled, write_corrupted
from tests.components.validate.world import clean_shop, write
from tfx_configs.settings import DataSettings, RunSettings

SETTINGS = RunSettings(data=DataSettings(test_days=14)).to_json()
DRIVER = "tests.components.validate.driver:validate_all"


@pytest.fixture(scope="module")
def validated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """{name: answer} for another half year of the clean shop, and for every corruption of it; all with a reference."""
    root, out = tmp_path_factory.mktemp("tables"), tmp_path_factory.mktemp("out")
    earlier, later = clean_shop(seed=3), clean_shop(seed=4)
    folders = {c.name: write_corrupted(c, later, root / c.name) for c in SINCE_REFERENCE}
    folders["clean"] = write(later, root / "clean")
    references = {str(folder): str(out / "earlier") for folder in folders.values()}
    folders["earlier"] = write(earlier, root / "earlier")
    folders["lost"] = write(later, root / "lost")
    kwargs = {
        "folders": [str(folders["earlier"]), str(folders["lost"]), *references],
        "out_root": str(out),
        "settings_json": SETTINGS,
        "references": references | {str(folders["lost"]): str(root)},
    }
    answers = call("validate", DRIVER, kwargs)
    return {name: answers[str(folder)] for name, folder in folders.items()} | {"": out}


def test_another_clean_span_has_no_findings_and_small_distances(validated: dict[str, Any]) -> None:
    result = validated["clean"]["result"]
    assert result["anomalies"] == []
    distances = {d["feature"]: d for d in result["reference_drift"]}
    assert set(distances) == {"log_price", "log_quantity", "hour", "store_id", "event_type", "weekday"}
    assert all(d["value"] <= d["limit"] for d in distances.values())
    assert "Since the blessed model" in (validated[""] / "clean" / "report.html").read_text()


@pytest.mark.parametrize("corruption", SINCE_REFERENCE, ids=lambda c: c.name)
def test_a_fault_from_the_first_day_gets_the_right_answer(validated: dict[str, Any], corruption: Corruption) -> None:
    anomalies = validated[corruption.name]["result"]["anomalies"]
    assert handled(corruption, anomalies, []), anomalies


def test_prices_in_cents_also_move_their_distribution(validated: dict[str, Any]) -> None:
    drifted = {a["column"]: a for a in validated["all prices in cents"]["result"]["anomalies"]}
    assert (drifted["log_price"]["check"], drifted["log_price"]["severity"]) == ("reference_drift", "stop")


def test_a_run_that_stopped_leaves_no_reference(validated: dict[str, Any]) -> None:
    out: Path = validated[""]
    assert (out / "clean" / "drift.stats.pb").exists()
    assert not (out / "all prices in cents" / "drift.stats.pb").exists()


def test_a_reference_that_is_not_there_is_named(validated: dict[str, Any]) -> None:
    refused = validated["lost"]["refused"]
    assert refused.startswith("reference_dir: expected drift.stats.pb in ") and "found none" in refused
