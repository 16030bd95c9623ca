"""Against the span of the blessed model: faults that were there from the first day, in TFDV's own environment."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.kfp_support.environments import call
from tests.components.validate.corruptions import SINCE_REFERENCE, Corruption, handled, write_corrupted
from tests.components.validate.world import Frames, clean_shop, described, write
from tfx_configs.settings import DataSettings, RunSettings
from tfx_configs.stages import ValidateStage

SETTINGS = ValidateStage.of(RunSettings(data=DataSettings(test_days=14))).to_json()
DRIVER = "tests.components.validate.driver:validate_all"


@pytest.fixture(scope="module")
def validated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """{name: answer} for another half year of the clean shop, and for every corruption of it; all with a reference."""
    root, out = tmp_path_factory.mktemp("tables"), tmp_path_factory.mktemp("out")
    earlier, later = described(clean_shop(seed=3)), described(clean_shop(seed=4))
    folders = {c.name: write_corrupted(c, later, root / c.name) for c in SINCE_REFERENCE}
    folders["clean"] = write(later, root / "clean")
    folders["other attributes"] = write(_other_attributes(later), root / "other attributes")
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


def _other_attributes(frames: Frames) -> Frames:
    """Each attribute changed in another way; promotions gone."""
    items = frames["items"].drop(columns="brand")
    rows = np.random.default_rng(5).permutation(len(items))
    items = items.assign(
        color=items["color"].str.upper(), department=items["department"].to_numpy()[rows], shelf=items["shelf"] + ".0"
    )
    users = frames["users"].assign(age=None)
    return {"events": frames["events"], "items": items, "users": users}


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


def test_each_changed_attribute_of_items_and_users_is_named(validated: dict[str, Any]) -> None:
    anomalies = validated["other attributes"]["result"]["anomalies"]
    assert {(a["table"], a["column"]): (a["check"], a["severity"]) for a in reversed(anomalies)} == {
        ("items", "color"): ("reference_values", "warn"),
        ("items", "department"): ("reference_pairing", "stop"),
        ("items", "shelf"): ("reference_values", "warn"),
        ("items", "brand"): ("reference_attribute", "stop"),
        ("users", "age"): ("reference_missing", "stop"),
        ("promotions", "(file)"): ("reference_attribute", "warn"),
    }
    assert all(a["expected"] and a["received"] and a["what_to_do"] for a in anomalies)


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
