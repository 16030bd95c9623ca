"""Every row of the retraining policy; docs/monitoring.md shows the same table."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from components.monitor.retraining.policy import (
    RULES,
    Decision,
    Evidence,
    Run,
    decide,
    last_nightly_s,
    last_weekly_s,
    table,
)
from tests.worlds import seconds
from tfx_configs.frozen import SettingsError
from tfx_configs.monitoring import RetrainSettings
from tfx_configs.units import DAY_S

SETTINGS = RetrainSettings(runs_per_week=3, drift_triggers=("skew_hour", "skew_store_id"))
WEDNESDAY = seconds(2) + 12 * 3600
"""Noon; a full run was due on Monday at two in the morning, an incremental one today at two."""
GOOD = (
    Run(began_s=seconds(0) + 2.1 * 3600, kind="full", ok=True),
    Run(began_s=seconds(2) + 2.1 * 3600, kind="incremental", ok=True),
)
FULL, NIGHT = GOOD
NOTHING = Evidence(data_until_s=WEDNESDAY, trained_until_s=seconds(2))
OLD = dataclasses.replace(NIGHT, began_s=seconds(1))


def _decide(evidence: Evidence = NOTHING, runs: tuple[Run, ...] = (FULL, OLD), now_s: float = WEDNESDAY) -> Decision:
    return decide(SETTINGS.replace(cool_down_hours=1.0), runs, evidence, now_s)


SPEAKS: dict[str, dict[str, Any]] = {
    "under way": {"runs": (dataclasses.replace(NIGHT, began_s=WEDNESDAY - 60, ok=None),)},
    "by hand": {"evidence": dataclasses.replace(NOTHING, asked="incremental")},
    "cool-down": {"runs": (FULL, dataclasses.replace(NIGHT, began_s=WEDNESDAY - 60, ok=False))},
    "schema": {"evidence": dataclasses.replace(NOTHING, schema_changed=True)},
    "nothing new": {"evidence": dataclasses.replace(NOTHING, trained_until_s=WEDNESDAY)},
    "budget": {"runs": (FULL, OLD, OLD)},
    "quality": {"evidence": dataclasses.replace(NOTHING, quality=("hits_per_trip",))},
    "drift": {"evidence": dataclasses.replace(NOTHING, drift=("skew_hour", "skew_store_id"))},
    "weekly": {"runs": (dataclasses.replace(FULL, ok=False), NIGHT)},
    "new items": {"evidence": dataclasses.replace(NOTHING, new_item_share=0.2)},
    "nightly": {},
    "else": {"runs": GOOD},
}
"""{row: a situation in which it is the first to speak}."""


@pytest.mark.parametrize(("name", "when", "train"), table(), ids=[row[0] for row in table()])
def test_each_row_of_the_table_is_what_the_code_does(name: str, when: str, train: str) -> None:
    decision = _decide(**SPEAKS[name])
    assert decision.train == {"what is asked for": "incremental"}.get(train, train)
    assert decision.reasons[0].split(":")[0] == ("nothing is due" if name == "else" else name)


@pytest.mark.parametrize(("rule", "start"), [("nightly", "refresh"), ("new items", "refresh"), ("weekly", "scratch")])
def test_a_decision_says_how_the_run_begins(rule: str, start: str) -> None:
    assert _decide(**SPEAKS[rule]).start == start
    assert _decide(**SPEAKS["quality"]).start == _decide(**SPEAKS["drift"]).start == "scratch"
    assert _decide(**SPEAKS["else"]).start is None


def test_the_page_shows_this_table() -> None:
    page = (Path(__file__).parents[4] / "docs" / "monitoring.md").read_text()
    for row in table():
        assert f"| {' | '.join(row)} |\n" in page
    names = "|".join(re.escape(row[0]) for row in table())
    assert len(re.findall(rf"^\| ({names}) \|", page, re.MULTILINE)) == len(RULES) + 1


def test_a_drift_that_is_not_named_warns_and_starts_no_run() -> None:
    evidence = dataclasses.replace(NOTHING, drift=("drift_hour", "skew_hour"))
    assert _decide(evidence).reasons[0] == "drift: skew_hour"
    assert decide(RetrainSettings(), GOOD, evidence, WEDNESDAY + DAY_S / 4).train == "none"


@pytest.mark.parametrize("rule", ["schema", "quality", "drift", "new items"])
def test_a_trigger_is_silent_for_a_week_after_a_good_run_that_it_started(rule: str) -> None:
    evidence, train = SPEAKS[rule]["evidence"], next(one.train for one in RULES if one.name == rule)
    assert train is not None
    began = WEDNESDAY - 2 * DAY_S
    started = Run(began_s=began, kind=train, ok=True, reasons=(f"{rule}: as told", "nightly: due since 1.0 h"))
    assert not any(reason.startswith(rule) for reason in _decide(evidence, (started,)).reasons)
    failed = dataclasses.replace(started, ok=False)
    assert any(reason.startswith(rule) for reason in _decide(evidence, (failed,)).reasons)
    later = dataclasses.replace(evidence, data_until_s=began + 8 * DAY_S)
    assert any(reason.startswith(rule) for reason in _decide(later, (started,), began + 7 * DAY_S).reasons)


def test_a_full_run_answers_what_was_besides_among_its_reasons_and_an_incremental_one_does_not() -> None:
    evidence = dataclasses.replace(NOTHING, quality=("hits_per_trip",))
    besides = dataclasses.replace(FULL, reasons=("by hand: full", "quality: hits_per_trip"))
    assert _decide(evidence, (besides, NIGHT)).train == "none"
    assert _decide(evidence, (dataclasses.replace(besides, kind="incremental"), FULL)).train == "full"


def test_what_else_would_start_a_run_is_among_the_reasons_even_while_it_waits() -> None:
    evidence = dataclasses.replace(NOTHING, drift=("skew_hour",), quality=("recall@10",))
    assert [r.split(":")[0] for r in _decide(evidence).reasons] == ["quality", "drift", "nightly"]
    held = _decide(evidence, runs=(dataclasses.replace(NIGHT, began_s=WEDNESDAY - 60),))
    assert held.train == "none"
    assert [r.split(":")[0] for r in held.reasons][:3] == ["cool-down", "quality", "drift"]


def test_after_an_outage_of_a_month_there_is_one_run_not_thirty() -> None:
    now_s = WEDNESDAY + 30 * DAY_S
    runs, started = GOOD, []
    for hour in range(24):
        decision = decide(SETTINGS, runs, dataclasses.replace(NOTHING, data_until_s=now_s), now_s + hour * 3600)
        if decision.train != "none":
            started.append((hour, decision.train))
            runs = (*runs, Run(began_s=now_s + hour * 3600, kind=decision.train, ok=True))
    assert started == [(0, "full"), (20, "incremental")]  # the second is the next night's, once it has cooled down


def test_a_month_of_nights_is_a_full_run_a_week_and_an_incremental_one_each_other_day() -> None:
    runs: tuple[Run, ...] = ()
    for hour in range(28 * 24 - 1):
        now_s = seconds(0) + 3 * 3600 + hour * 3600
        evidence = Evidence(data_until_s=now_s, trained_until_s=max((run.began_s for run in runs), default=0.0))
        decision = decide(RetrainSettings(), runs, evidence, now_s)
        if decision.train != "none":
            runs = (*runs, Run(began_s=now_s, kind=decision.train, ok=True, reasons=decision.reasons))
    assert [run.kind for run in runs] == (["full"] + ["incremental"] * 6) * 4
    assert {run.reasons[0].split(":")[0] for run in runs} == {"weekly", "nightly"}


def test_a_run_that_failed_is_tried_again_after_the_cool_down_until_the_budget_is_spent() -> None:
    runs: tuple[Run, ...] = ()
    for hour in range(5 * 24):
        now_s = seconds(0) + 3 * 3600 + hour * 3600
        evidence = Evidence(data_until_s=now_s, trained_until_s=0.0)
        decision = decide(SETTINGS, runs, evidence, now_s)
        if decision.train != "none":
            runs = (*runs, Run(began_s=now_s, kind=decision.train, ok=False))
    assert [(run.began_s - runs[0].began_s) / 3600 for run in runs] == [0, 20, 40]


def test_a_run_that_never_came_back_is_taken_for_lost() -> None:
    lost = Run(began_s=WEDNESDAY - 13 * 3600, kind="full", ok=None)
    assert _decide(runs=(lost,)).train == "full"
    assert _decide(runs=(dataclasses.replace(lost, began_s=WEDNESDAY - 11 * 3600),)).train == "none"


def test_the_calendar_is_in_universal_time() -> None:
    assert last_nightly_s(SETTINGS, WEDNESDAY) == seconds(2) + 2 * 3600
    assert last_nightly_s(SETTINGS, seconds(2) + 3600) == seconds(1) + 2 * 3600
    assert last_weekly_s(SETTINGS, WEDNESDAY) == seconds(0) + 2 * 3600
    assert last_weekly_s(SETTINGS, seconds(0)) == seconds(-7) + 2 * 3600


@pytest.mark.parametrize(
    "wrong", [{"nightly_hour": 24}, {"weekly_day": 7}, {"runs_per_week": 0}, {"drift_triggers": ("hits",)}]
)
def test_settings_out_of_their_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        RetrainSettings(**wrong)
