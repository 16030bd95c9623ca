"""What validation finds in each corruption of a whole shop's tables: `python -m benchmarks data` runs this file.

It is no part of `make test`; the corruptions of a small shop are, in test_validate.py.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from components.kfp_support.environments import call
from tests.components.validate.corruptions import CORRUPTIONS, handled, write_corrupted
from tests.components.validate.world import Frames, write
from tfx_configs.recipes import full
from tfx_configs.stages import ValidateStage

DRIVER = "tests.components.validate.driver:"


@pytest.fixture
def frames(pytestconfig: pytest.Config) -> Frames:
    """Events and items of `--corrupted-tables`; promotions and shoppers play no part."""
    tables = Path(pytestconfig.getoption("--corrupted-tables"))
    events = pd.read_parquet(tables / "events").drop(columns="month")
    return {"events": events, "items": pd.read_parquet(tables / "items.parquet")}


@pytest.mark.timeout(3600)
def test_clean_tables_do_not_stop_and_the_findings_of_each_corruption_are_measured(
    frames: Frames, tmp_path: Path, report_measurement: Callable[[str, dict[str, Any]], None]
) -> None:
    folders = {c.name: str(write_corrupted(c, frames, tmp_path / "tables" / c.name)) for c in CORRUPTIONS}
    clean = str(write(frames, tmp_path / "tables" / "clean"))
    kwargs = {"folders": [clean, *folders.values()], "out_root": str(tmp_path / "out")}
    answers = call("validate", f"{DRIVER}validate_all", kwargs | {"settings_json": ValidateStage.of(full()).to_json()})
    findings = {name: answers[folder]["result"]["anomalies"] for name, folder in folders.items()}
    usual = answers[clean]["result"]["anomalies"]
    cases = [
        {"name": c.name, "handled": handled(c, findings[c.name], usual), "findings": findings[c.name]}
        for c in CORRUPTIONS
    ]
    versions = call("validate", f"{DRIVER}versions", {})
    report_measurement("corruptions", {"corruptions": cases, "clean_findings": usual, "validation_versions": versions})
    assert answers[clean]["summary"]["stops"] == 0
