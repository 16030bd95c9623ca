"""Exposures out of a log, the alarm before the estimate, and what is decided."""

import numpy as np
import pandas as pd
import pytest

from components.rollout.experiment.analysis import Analysis, analyse, exposures, sample_ratio
from tests.components.rollout.experiment.shop import shop
from tfx_configs.experiment import ExperimentSettings

SETTINGS = ExperimentSettings()


def _rows(*rows: tuple[str, str, int, str | None]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["user_id", "version", "time_s", "route"])
    return table.assign(logged_s=np.arange(len(table), dtype=float))


def test_a_shopper_is_exposed_to_the_version_that_answers_first() -> None:
    rows = _rows(
        ("ann", "v2", 20, "split"),
        ("ann", "v1", 10, "split"),
        ("bob", "v1", 5, "named"),
        ("bob", "v2", 6, None),
        ("cid", "v1", 7, "split"),
        ("cid", "v2", 7, "shadow"),
        ("dan", "v0", 8, "split"),
    )
    exposure = exposures(rows, "v1", "v2")
    assert dict(zip(exposure.first["user_id"], exposure.first["version"], strict=True)) == {
        "bob": "v2",
        "cid": "v1",
        "ann": "v1",
    }
    assert exposure.both == {"ann"}
    assert exposure.left_out == {"asked for by name": 1, "mirrored copies": 1, "of other versions": 1}


def _exposed(control: int, treatment: int, both: int = 0) -> pd.DataFrame:
    rows = [(f"c{n}", "v1", n, "split") for n in range(control)] + [
        (f"t{n}", "v2", n, "split") for n in range(treatment)
    ]
    return _rows(*rows, *((f"c{n}", "v2", 10**6, "split") for n in range(both)))


def test_the_declared_split_raises_no_alarm() -> None:
    ratio = sample_ratio(exposures(_exposed(520, 480), "v1", "v2"), "v1", "v2", SETTINGS)
    assert (ratio.control, ratio.treatment, ratio.alarms) == (520, 480, ())
    assert ratio.p_value == pytest.approx(0.217, abs=0.001)


def test_missing_shoppers_raise_an_alarm() -> None:
    ratio = sample_ratio(exposures(_exposed(600, 450), "v1", "v2"), "v1", "v2", SETTINGS)
    assert [alarm.partition(":")[0] for alarm in ratio.alarms] == ["sample ratio"]
    assert ratio.p_value < ratio.always_valid_p < 0.001


def test_a_split_that_one_check_would_call_wrong_is_called_so_at_the_planned_check_only() -> None:
    exposed = exposures(_exposed(560, 440), "v1", "v2")
    ratios = [sample_ratio(exposed, "v1", "v2", SETTINGS, final) for final in (False, True)]
    assert ratios[0].p_value < 0.001 < ratios[0].always_valid_p
    assert [bool(ratio.alarms) for ratio in ratios] == [False, True]


def test_shoppers_who_saw_both_versions_raise_an_alarm_of_their_own() -> None:
    ratio = sample_ratio(exposures(_exposed(500, 500, both=11), "v1", "v2"), "v1", "v2", SETTINGS)
    assert [alarm.partition(":")[0] for alarm in ratio.alarms] == ["stickiness"]
    assert ratio.both_percent == pytest.approx(1.1)


def _experiment(lift: float, lost: int = 0) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Log rows, visits and past of 3,000 simulated shoppers; the first `lost` of the treated never reached the log."""
    world = shop(np.random.default_rng(7), 3000, lift)
    version = np.where(world.treated_S, "v2", "v1")
    users = np.array([f"u{n}" for n in range(3000)])
    keep = np.ones(3000, bool)
    keep[np.flatnonzero(world.treated_S)[:lost]] = False
    rows = pd.DataFrame({"user_id": users, "version": version, "time_s": 0, "logged_s": 0.0, "route": "split"})[keep]
    spread = np.repeat(np.arange(3000), world.trips_S.astype(int))
    visits = pd.DataFrame(
        {"user_id": users[spread], "version": version[spread], "hits": (world.hits_S / world.trips_S)[spread]}
    )
    past = pd.DataFrame(world.past_SP, index=users, columns=["before", "known"])
    return rows, visits, past


def _read(lift: float, lost: int = 0, final: bool = False) -> Analysis:
    return analyse(*_experiment(lift, lost), "v1", "v2", SETTINGS, final)


def test_a_gross_loss_is_worse_at_any_check_and_a_gross_gain_better() -> None:
    assert (_read(0.7).decision, _read(1.4).decision, _read(1.0).decision) == ("worse", "better", "undecided")


def test_one_planned_check_at_the_end_may_decide_what_many_checks_may_not() -> None:
    early, final = _read(1.1), _read(1.1, final=True)
    assert (early.decision, final.decision) == ("undecided", "better")
    assert early.adjusted == final.adjusted


def test_the_past_narrows_the_interval_and_both_are_reported() -> None:
    analysis = _read(1.0)
    assert analysis.plain is not None and analysis.adjusted is not None
    assert analysis.adjusted.high - analysis.adjusted.low < analysis.plain.high - analysis.plain.low
    assert (analysis.plain.rho_squared, analysis.plain.control.mean) == (0, analysis.adjusted.control.mean)


def test_no_estimate_is_given_when_treated_shoppers_are_missing() -> None:
    analysis = _read(1.4, lost=300)
    assert analysis.decision == "mismatch"
    assert (analysis.plain, analysis.adjusted) == (None, None)


def test_shoppers_who_saw_both_and_visits_of_unknown_outcome_are_left_out_and_reported() -> None:
    rows, visits, past = _experiment(1.0)
    again = rows.iloc[:5].assign(version=np.where(rows["version"].iloc[:5] == "v1", "v2", "v1"), time_s=9)
    visits.loc[visits.index[-3:], "hits"] = np.nan
    analysis = analyse(pd.concat([rows, again]), visits, past, "v1", "v2", SETTINGS)
    assert analysis.left_out == {"shoppers who saw both versions": 5, "visits without a known outcome": 3}
    assert analysis.plain is not None
    whole = analyse(rows, visits, past, "v1", "v2", SETTINGS)
    assert whole.plain is not None
    assert analysis.plain.control.shoppers + analysis.plain.treatment.shoppers == (
        whole.plain.control.shoppers + whole.plain.treatment.shoppers - 5
    )


def test_an_experiment_without_visits_is_undecided() -> None:
    rows, visits, past = _experiment(1.0)
    assert analyse(rows, visits[:0], past, "v1", "v2", SETTINGS).decision == "undecided"
