"""Which shoppers were exposed to which version, out of the request log.

A shopper is exposed to the version that first answers them during the experiment, whether they read the answer or not.
Answers of a version that a tester requested by name, and those to mirrored copies, expose no shopper.
"""

from dataclasses import dataclass

import pandas as pd

from components.rollout.decision.split_test import split_always_valid_p, split_p_value
from tfx_configs.experiment import ExperimentSettings

COLUMNS = ("user_id", "version", "time_s", "logged_s", "route")


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """Shoppers by the version that answered them first."""

    first: pd.DataFrame
    """One row a shopper: user_id, version, time_s of that answer."""
    both: frozenset[str]
    """Shoppers whom both versions answered."""
    left_out: dict[str, int]
    """Rows that expose no shopper, by reason."""

    def count(self, version: str) -> int:
        """Shoppers exposed to `version` first."""
        return int((self.first["version"] == version).sum())


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


def exposures(rows: pd.DataFrame, control: str, treatment: str) -> Exposure:
    """Args:
    rows: COLUMNS of the request log, of the experiment's span.
    control, treatment: versions.
    """
    named, shadow = rows["route"] == "named", rows["route"] == "shadow"
    other = ~rows["version"].isin([control, treatment]) & ~named & ~shadow
    left_out = {"asked for by name": named, "mirrored copies": shadow, "of other versions": other}
    exposing = rows[~(named | shadow | other)].sort_values(["time_s", "logged_s"], kind="stable")
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
    counts = exposure.count(control), exposure.count(treatment)
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
