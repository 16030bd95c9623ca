"""The current state of an experiment: its exposure, whether the split can be trusted, the effect, and the decision.

A shopper is exposed to the version that first answers them during the experiment, whether they read the answer or not.
Answers of a version that a tester requested by name, and those to mirrored copies, expose no shopper.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from components.rollout.decision.split_test import split_always_valid_p, split_p_value
from components.rollout.experiment.estimate import Effect, Shoppers, effect
from tfx_configs.experiment import ExperimentSettings

COLUMNS = ("user_id", "version", "time_s", "logged_s", "route")
Decision = Literal["mismatch", "better", "worse", "undecided"]


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """Shoppers by the version that answered them first."""

    first: pd.DataFrame
    """One row a shopper: user_id, version, time_s of that answer."""
    both: frozenset[str]
    """Shoppers whom both versions answered."""
    left_out: dict[str, int]
    """Rows that expose no shopper, by reason."""


@dataclass(frozen=True, kw_only=True)
class SampleRatio:
    """Whether the shoppers exposed are split as was declared."""

    control: int
    treatment: int
    declared_percent: float
    p_value: float
    """Exact, for a single evaluation."""
    always_valid_p: float
    """The same for repeated evaluations."""
    both_percent: float
    """Shoppers who saw both versions."""
    alarms: tuple[str, ...]
    """Why no estimate can be trusted; empty: it can."""


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """`dataclasses.asdict` of it is JSON. No estimate is there when the split cannot be trusted."""

    control: str
    treatment: str
    split: SampleRatio
    left_out: dict[str, int]
    """Rows of the log, shoppers and visits that are in no estimate, by why."""
    plain: Effect | None
    adjusted: Effect | None
    """With the variance reduction; None, as `plain`, where there is too little for an estimate."""
    decision: Decision


def analyse(
    rows: pd.DataFrame,
    visits: pd.DataFrame,
    past: pd.DataFrame,
    control: str,
    treatment: str,
    settings: ExperimentSettings,
    final: bool = False,
) -> Analysis:
    """Analyses an experiment.

    Args:
        rows: COLUMNS of the request log, of the experiment's span.
        visits: user_id, version, hits (NaN: no outcome yet); one row a visit of that span.
        past: by user_id, one column for each figure from before the experiment; a shopper not in it has all zeros.
        control, treatment: versions.
        final: this is the one planned evaluation, and its interval and p-value count; else the always-valid ones do.
    """
    exposure = exposures(rows, control, treatment)
    split = sample_ratio(exposure, control, treatment, settings, final)
    judged, left_out = _judged(exposure, visits)
    plain = adjusted = None
    decision: Decision = "mismatch" if split.alarms else "undecided"
    if not split.alarms:
        shoppers = _shoppers(judged, past, treatment)
        plain = effect(shoppers, settings.alpha, adjust=False)
        adjusted = effect(shoppers, settings.alpha)
    if adjusted is not None:
        low, high = (adjusted.low, adjusted.high) if final else (adjusted.always_low, adjusted.always_high)
        decision = "better" if low > 1 else "worse" if high < 1 else "undecided"
    return Analysis(
        control=control,
        treatment=treatment,
        split=split,
        left_out=exposure.left_out | left_out,
        plain=plain,
        adjusted=adjusted,
        decision=decision,
    )


def exposures(rows: pd.DataFrame, control: str, treatment: str) -> Exposure:
    """From COLUMNS of the request log, of the experiment's span; `control` and `treatment` are versions."""
    named, shadow, unsticky = (rows["route"] == route for route in ("named", "shadow", "unsticky"))
    other = ~rows["version"].isin([control, treatment]) & ~named & ~shadow & ~unsticky
    left_out = {
        "asked for by name": named,
        "mirrored copies": shadow,
        "without the shopper's header": unsticky,
        "of other versions": other,
    }
    exposing = rows[~(named | shadow | unsticky | other)].sort_values(["time_s", "logged_s"], kind="stable")
    versions = exposing.groupby("user_id")["version"].nunique()
    return Exposure(
        first=exposing.drop_duplicates("user_id")[["user_id", "version", "time_s"]].reset_index(drop=True),
        both=frozenset(versions.index[versions > 1]),
        left_out={why: int(which.sum()) for why, which in left_out.items() if which.any()},
    )


def sample_ratio(
    exposure: Exposure, control: str, treatment: str, settings: ExperimentSettings, final: bool = False
) -> SampleRatio:
    """The alarm: shoppers exposed against the declared share, and how sticky the split was.

    final: this is the one planned evaluation, and the exact p-value counts; else the always-valid one does, which
    respects `mismatch_alpha` regardless of the number of evaluations.
    """
    counts = [int((exposure.first["version"] == version).sum()) for version in (control, treatment)]
    total, share = sum(counts), settings.share_percent
    once, always = split_p_value(counts[1], total, share), split_always_valid_p(counts[1], total, share)
    both_percent = 100 * len(exposure.both) / max(total, 1)
    alarms = []
    p = once if final else always
    if p < settings.mismatch_alpha:
        alarms.append(
            f"sample ratio: {counts[1]:,} of {total:,} shoppers are {100 * counts[1] / total:.2f} %, "
            f"declared {share:g} % (p = {p:.1g}); find out who is missing before anything else"
        )
    if both_percent > settings.max_both_percent:
        alarms.append(
            f"stickiness: {both_percent:.1f} % of the shoppers saw both versions; "
            f"was the share moved, a version down, or a request sent without its shopper?"
        )
    return SampleRatio(
        control=counts[0],
        treatment=counts[1],
        declared_percent=share,
        p_value=once,
        always_valid_p=always,
        both_percent=both_percent,
        alarms=tuple(alarms),
    )


def _judged(exposure: Exposure, visits: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Visits with an outcome of shoppers who saw one version; and how many are not among them."""
    sticky = exposure.first[~exposure.first["user_id"].isin(exposure.both)]
    exposed = visits.merge(sticky[["user_id", "version"]], on=["user_id", "version"])
    closed = exposed[exposed["hits"].notna()]
    left_out = {
        "shoppers who saw both versions": len(exposure.both),
        "visits without a known outcome": len(exposed) - len(closed),
    }
    return closed, {why: count for why, count in left_out.items() if count}


def _shoppers(visits: pd.DataFrame, past: pd.DataFrame, treatment: str) -> Shoppers:
    each = visits.groupby("user_id").agg(version=("version", "first"), hits=("hits", "sum"), trips=("hits", "size"))
    return Shoppers(
        treated_S=(each["version"] == treatment).to_numpy(),
        hits_S=each["hits"].to_numpy(dtype=float),
        trips_S=each["trips"].to_numpy(dtype=float),
        past_SP=np.asarray(past.reindex(each.index, fill_value=0.0), dtype=float),
    )
