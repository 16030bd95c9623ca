"""The picture and the page of the cadence benchmark, and the closed loop's pieces, by pencil."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd

from benchmarks.cadence.plot import draw
from benchmarks.cadence.weeks import Served
from benchmarks.harness.page import render
from model.data import columns as c

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
    assert "1 of 2 were found within their time" in text and "no check failed" in text
    assert "| One thing | `visits` | 2 h | 24 h |" in text and "not in time" in text
    assert "| of the system | `SystemAlert` | 60 s | 90 s |" in text


def test_answers_of_two_models_make_one_week(tmp_path: Path) -> None:
    rows = pd.DataFrame({"time_s": [1, 5, 9], c.USER: ["a", "b", "a"], "ndcg": [0.1, 0.2, 0.3]})
    rows.to_parquet(tmp_path / "week.parquet")
    served = Served.load(tmp_path / "week.parquet")
    both = served.until(5).then(Served(time_T=np.array([6]), user_T=np.array(["b"]), ndcg_T=np.array([0.9])))
    assert both.time_T.tolist() == [1, 6] and both.ndcg_T.tolist() == [0.1, 0.9]
