"""The current state of an experiment: its exposure, whether the split can be trusted, the effect, and the decision."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from components.rollout.experiment.adjust import Shoppers
from components.rollout.experiment.estimate import Effect, effect
from components.rollout.experiment.exposure import Exposure, SampleRatio, exposures, sample_ratio
from tfx_configs.experiment import ExperimentSettings

Decision = Literal["mismatch", "better", "worse", "undecided"]


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
        rows: exposure.COLUMNS of the request log, of the experiment's span.
        visits: user_id, version, hits (NaN: no outcome yet); one row a visit of that span.
        past: by user_id, one column for each figure from before the experiment; a shopper not in it has all zeros.
        control, treatment: versions.
        final: this is the one planned evaluation, and its interval and p-value count; else the always-valid ones do.
    """
    exposure = exposures(rows, control, treatment)
    split = sample_ratio(exposure, control, treatment, settings, final)
    judged, left_out = _judged(exposure, visits)
    plain = adjusted = None
    if not split.alarms:
        shoppers = _shoppers(judged, past, treatment)
        plain = effect(shoppers, settings.alpha, adjust=False)
        adjusted = effect(shoppers, settings.alpha)
    return Analysis(
        control=control,
        treatment=treatment,
        split=split,
        left_out=exposure.left_out | left_out,
        plain=plain,
        adjusted=adjusted,
        decision="mismatch" if split.alarms else _decision(adjusted, final),
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


def _decision(estimate: Effect | None, final: bool) -> Decision:
    if estimate is None:
        return "undecided"
    low, high = (estimate.low, estimate.high) if final else (estimate.always_low, estimate.always_high)
    return "better" if low > 1 else "worse" if high < 1 else "undecided"
