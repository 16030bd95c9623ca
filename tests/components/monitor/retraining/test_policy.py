"""Every row of the retraining policy."""

from typing import Any

import pytest

from components.artifacts.monitor_report import Evidence, RetrainDecision
from components.monitor.retraining.policy import (
    RULES,
    TrainingRun,
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
"""Noon; a run from scratch was due on Monday at two in the morning, a refresh today at two."""
GOOD = (
    TrainingRun(began_s=seconds(0) + 2.1 * 3600, kind="scratch", ok=True),
    TrainingRun(began_s=seconds(2) + 2.1 * 3600, kind="refresh", ok=True),
)
FULL, NIGHT = GOOD
NOTHING = Evidence(data_until_s=WEDNESDAY, trained_until_s=seconds(2))
OLD = TrainingRun(began_s=seconds(1), kind="refresh", ok=True)


def _with(record: Any, **changes: Any) -> Any:
    """The record with other values; a run's name follows from its kind and beginning."""
    return type(record)(**record.model_dump(exclude={"name"}) | changes)


def _decide(
    evidence: Evidence = NOTHING, runs: tuple[TrainingRun, ...] = (FULL, OLD), now_s: float = WEDNESDAY
) -> RetrainDecision:
    return decide(SETTINGS.replace(cool_down_hours=1.0), runs, evidence, now_s)


SITUATIONS: dict[str, dict[str, Any]] = {
    "active": {"runs": (_with(NIGHT, began_s=WEDNESDAY - 60, ok=None),)},
    "manual": {"evidence": _with(NOTHING, asked="refresh")},
    "cool-down": {"runs": (FULL, _with(NIGHT, began_s=WEDNESDAY - 60, ok=False))},
    "schema": {"evidence": _with(NOTHING, schema_changed=True)},
    "nothing new": {"evidence": _with(NOTHING, trained_until_s=WEDNESDAY)},
    "budget": {"runs": (FULL, OLD, OLD)},
    "quality": {"evidence": _with(NOTHING, quality=("hits_per_trip",))},
    "drift": {"evidence": _with(NOTHING, drift=("skew_hour", "skew_store_id"))},
    "weekly": {"runs": (_with(FULL, ok=False), NIGHT)},
    "new items": {"evidence": _with(NOTHING, new_item_share=0.2)},
    "nightly": {},
    "else": {"runs": GOOD},
}
"""{row: a situation in which it is the first that applies}."""


@pytest.mark.parametrize(("name", "when", "train"), table(), ids=[row[0] for row in table()])
def test_each_row_of_the_table_is_what_the_code_does(name: str, when: str, train: str) -> None:
    decision = _decide(**SITUATIONS[name])
    assert decision.train == {"what is requested": "refresh"}.get(train, train)
    assert decision.reasons[0].split(":")[0] == ("nothing is due" if name == "else" else name)


@pytest.mark.parametrize(
    ("rule", "train"),
    [
        ("nightly", "refresh"),
        ("new items", "refresh"),
        ("weekly", "scratch"),
        ("quality", "scratch"),
        ("drift", "scratch"),
        ("else", "none"),
    ],
)
def test_a_decision_names_the_start_of_the_run(rule: str, train: str) -> None:
    assert _decide(**SITUATIONS[rule]).train == train


def test_a_drift_that_is_not_named_warns_and_starts_no_run() -> None:
    evidence = _with(NOTHING, drift=("drift_hour", "skew_hour"))
    assert _decide(evidence).reasons[0] == "drift: skew_hour"
    assert decide(RetrainSettings(), GOOD, evidence, WEDNESDAY + DAY_S / 4).train == "none"


@pytest.mark.parametrize("rule", ["schema", "quality", "drift", "new items"])
def test_a_trigger_is_silent_for_a_week_after_a_good_run_that_it_started(rule: str) -> None:
    evidence, train = SITUATIONS[rule]["evidence"], next(each.train for each in RULES if each.name == rule)
    assert train is not None
    began = WEDNESDAY - 2 * DAY_S
    started = TrainingRun(
        began_s=began, kind=train, ok=True, reasons=(f"{rule}: as it was", "nightly: due since 1.0 h")
    )
    assert not any(reason.startswith(rule) for reason in _decide(evidence, (started,)).reasons)
    failed = _with(started, ok=False)
    assert any(reason.startswith(rule) for reason in _decide(evidence, (failed,)).reasons)
    later = _with(evidence, data_until_s=began + 8 * DAY_S)
    assert any(reason.startswith(rule) for reason in _decide(later, (started,), began + 7 * DAY_S).reasons)


def test_a_run_from_scratch_answers_its_other_reasons_too_and_a_refresh_does_not() -> None:
    evidence = _with(NOTHING, quality=("hits_per_trip",))
    besides = _with(FULL, reasons=("manual: scratch", "quality: hits_per_trip"))
    assert _decide(evidence, (besides, NIGHT)).train == "none"
    assert _decide(evidence, (_with(besides, kind="refresh"), FULL)).train == "scratch"


def test_what_else_would_start_a_run_is_among_the_reasons_even_while_it_waits() -> None:
    evidence = _with(NOTHING, drift=("skew_hour",), quality=("recall@10",))
    assert [r.split(":")[0] for r in _decide(evidence).reasons] == ["quality", "drift", "nightly"]
    held = _decide(evidence, runs=(_with(NIGHT, began_s=WEDNESDAY - 60),))
    assert held.train == "none"
    assert [r.split(":")[0] for r in held.reasons][:3] == ["cool-down", "quality", "drift"]


def test_after_an_outage_of_a_month_there_is_one_run_not_thirty() -> None:
    now_s = WEDNESDAY + 30 * DAY_S
    runs, started = GOOD, []
    for hour in range(24):
        decision = decide(SETTINGS, runs, _with(NOTHING, data_until_s=now_s), now_s + hour * 3600)
        if decision.train != "none":
            started.append((hour, decision.train))
            runs = (*runs, TrainingRun(began_s=now_s + hour * 3600, kind=decision.train, ok=True))
    assert started == [(0, "scratch"), (20, "refresh")]  # the second is the next night's, once it has cooled down


def test_a_month_of_nights_is_a_run_from_scratch_a_week_and_a_refresh_each_other_day() -> None:
    runs: tuple[TrainingRun, ...] = ()
    for hour in range(28 * 24 - 1):
        now_s = seconds(0) + 3 * 3600 + hour * 3600
        evidence = Evidence(data_until_s=now_s, trained_until_s=max((run.began_s for run in runs), default=0.0))
        decision = decide(RetrainSettings(), runs, evidence, now_s)
        if decision.train != "none":
            runs = (*runs, TrainingRun(began_s=now_s, kind=decision.train, ok=True, reasons=decision.reasons))
    assert [run.kind for run in runs] == (["scratch"] + ["refresh"] * 6) * 4
    assert {run.reasons[0].split(":")[0] for run in runs} == {"weekly", "nightly"}


def test_a_run_that_failed_is_tried_again_after_the_cool_down_until_the_budget_is_spent() -> None:
    runs: tuple[TrainingRun, ...] = ()
    for hour in range(5 * 24):
        now_s = seconds(0) + 3 * 3600 + hour * 3600
        evidence = Evidence(data_until_s=now_s, trained_until_s=0.0)
        decision = decide(SETTINGS, runs, evidence, now_s)
        if decision.train != "none":
            runs = (*runs, TrainingRun(began_s=now_s, kind=decision.train, ok=False))
    assert [(run.began_s - runs[0].began_s) / 3600 for run in runs] == [0, 20, 40]


def test_a_run_that_never_came_back_is_taken_for_lost() -> None:
    lost = TrainingRun(began_s=WEDNESDAY - 13 * 3600, kind="scratch", ok=None)
    assert _decide(runs=(lost,)).train == "scratch"
    assert _decide(runs=(_with(lost, began_s=WEDNESDAY - 11 * 3600),)).train == "none"


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
