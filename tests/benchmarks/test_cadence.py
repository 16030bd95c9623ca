"""The picture and the page of the cadence benchmark, and one week of the closed loop, with hand-computed values."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from benchmarks.cadence.__main__ import Walk, draw, mean
from benchmarks.harness.page import render
from model.data import columns as c
from model.data.time_split import day
from model.files import write_json
from tfx_configs.recipes import fast
from tfx_configs.units import WEEK_S

ROWS = [
    {"policy": policy, "week": week, "ndcg@10": at, "low": at - 0.01, "high": at + 0.01, "runs": 1, "cpu_s": 90.0}
    for week, level in (("2017-12-18", 0.2), ("2017-12-25", 0.22))
    for policy, at in (("never", level), ("weekly", level + 0.01), ("weekly and triggers", level + 0.01))
]
RESULT = {
    "cadence": ROWS,
    "weekly_over_never": [{"week": "2017-12-18", "gain": 0.01, "low": 0.002, "high": 0.018}],
    "weekly_over_never_overall": {"gain": 0.01, "low": 0.002, "high": 0.018},
    "triggers": [],
    "measured": "2026-01-01T00:00:00+00:00",
    "hardware": {"cores": 2},
}


def test_the_picture_has_a_line_a_policy_and_a_whisker_a_week(tmp_path: Path) -> None:
    draw(ROWS, tmp_path / "cadence.svg")
    tree = ElementTree.parse(tmp_path / "cadence.svg")
    names = [element.tag.split("}")[1] for element in tree.iter()]
    assert (names.count("polyline"), names.count("circle")) == (3, 6)
    assert "weekly and triggers" in (tmp_path / "cadence.svg").read_text()


def test_the_page_tells_gain_cost_and_triggers() -> None:
    text = render("cadence/cadence", RESULT)
    assert "+0.0100 (+0.0020 to +0.0180)" in text
    assert "weekly: 2 runs, 3 CPU minutes" in text and "Triggers that fired: none" in text


def test_the_page_of_the_monitor_tells_what_was_found_and_what_was_not() -> None:
    alerts = [
        {"name": "a", "fault": "One thing.", "check": "visits", "fired_after_s": 7200, "limit_s": 86400},
        {"name": "b", "fault": "Another.", "check": "visits", "fired_after_s": None, "limit_s": 86400},
        {"name": "SystemAlert", "fault": "of the system", "fired_after_s": 60, "limit_s": 90},
    ]
    clean = {"alerts": [], "visits": 10, "moments": 4, "days": 1, "with_distances": 1}
    others = {"2017-10-09": clean | {"alerts": ["3.25: visits"]}}
    about = {"other_spans": others, "unseen_spans": {}, "measured": "2026-01-01T00:00:00+00:00", "system_factor": 120.0}
    text = render("monitoring/monitoring", {"alerts": alerts, "clean_replay": clean} | about)
    assert "from 2017-10-09: visits 1 of 4." in text
    assert "Found within their limit: 1 of 2." in text and "no check failed" in text
    assert "| One thing | `visits` | 2 h | 24 h |" in text and "not in time" in text
    assert "| of the system | `SystemAlert` 60 s, 90 s |" in text


def test_the_mean_of_a_week_is_one_of_trips_with_an_interval_over_shoppers() -> None:
    """Trips of a: 0.1 and 0.3, of b: 0.2; the residuals of each shopper sum to 0."""
    served = pd.DataFrame({c.USER: ["a", "b", "a"], "ndcg": [0.1, 0.2, 0.3]})
    assert mean(served, "ndcg@10") == pytest.approx({"ndcg@10": 0.2, "low": 0.2, "high": 0.2})


def test_two_models_make_one_week(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weekly answers at 1, 5 and 9; a trigger at 5 brings another model, which answers the trip at 6."""
    start_s = 345_600
    for name, times in (("never", (1, 5, 9)), ("fresh", (6,))):
        rows = {"time_s": np.array(times) + start_s, c.USER: ["a", "b", "a"][: len(times)], "ndcg": 0.5}
        pd.DataFrame(rows).to_parquet(tmp_path / f"{name}.parquet")
    events = tmp_path / "tables" / "events"
    events.mkdir(parents=True)
    pd.DataFrame({c.TIME: [pd.Timestamp(start_s + WEEK_S, unit="s")]}).to_parquet(events / "part.parquet")
    walk = Walk(folder=tmp_path, run=fast(), weeks=1)

    def served(cut_s: int, begin_s: int, end_s: int) -> pd.DataFrame:
        return pd.read_parquet(tmp_path / f"{'never' if cut_s == start_s else 'fresh'}.parquet")

    monkeypatch.setattr(walk, "serve", served)
    monkeypatch.setattr(walk, "trigger", lambda begin_s: (begin_s + 5, ["quality: low"]))
    for cut_s in (start_s, start_s + 5):
        for made in ("examples", "model"):
            write_json(tmp_path / day(cut_s) / f"{made}.cost.json", {"cpu_s": 1.0})
    assert list(walk.play()) == [0]
    assert [(row["policy"], row["trips"], row["runs"]) for row in walk.rows] == [
        ("never", 3, 1),
        ("weekly", 3, 1),
        ("weekly and triggers", 2, 2),
    ]
    assert walk.result()["weekly_over_never_overall"]["gain"] == 0.0
