"""The page on evaluation names every limit of the gate as it is, every reported metric and every slicing."""

import re
from pathlib import Path

from model.evaluation.ranking_metrics import ACROSS_TRIPS, PER_TRIP
from tfx_configs.evaluation import ALWAYS_SLICES
from tfx_configs.settings import GateSettings

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")


def test_every_limit_is_in_the_page_as_it_is() -> None:
    limits = GateSettings().model_dump()
    assert limits.pop("baselines") is None
    documented = dict(re.findall(r"^\| `(\w+)` \| ([\d.]+) \|", PAGE, re.MULTILINE))
    assert {name: float(limit) for name, limit in documented.items()} == limits
    assert "\n| `baselines` | null |" in PAGE


def test_every_metric_and_slicing_is_defined() -> None:
    names = {name.partition("@")[0] for name in (*PER_TRIP, *ACROSS_TRIPS)}
    assert {name for name in names if f"{name}@k" not in PAGE} == set()
    assert {name for name in ALWAYS_SLICES if f"\n| {name} |" not in PAGE} == set()
