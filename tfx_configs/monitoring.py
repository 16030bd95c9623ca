"""How the monitor judges the service and its data, and when a model is trained again."""

import dataclasses
import datetime
import zoneinfo
from typing import Literal

from tfx_configs.frozen import Settings, check

Training = Literal["none", "refresh", "warm", "scratch"]
"""What `train.start` a training run gets (TrainSettings); none: no run."""
FORMER_TRAINING: dict[str, Training] = {"incremental": "refresh", "full": "scratch"}
"""Former words, in reports and records of training runs that earlier releases wrote."""
Severity = Literal["page", "ticket"]
"""page: an operator acts at once; ticket: in working hours. The alert rules use the same two words."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class MonitorSettings(Settings):
    """Limits come from how much a figure moved between the weeks before the cut; these say how far beyond is far.

    Each check is evaluated on two windows that end now: a short one that detects large changes within a day, and a long
    one that detects small ones.
    """

    windows_days: tuple[int, ...] = (1, 7)
    """Lengths of the windows, days, ascending, 1 to 28."""
    history_weeks: int = 12
    """Weeks before the cut from which the natural movement of a figure is measured, 4 to 52."""
    spreads: float = 5.0
    """Half the width of a limit in robust standard deviations (1.4826 MAD) of those weeks, above 0."""
    least_percent: float = 10.0
    """A limit is at least this far from those weeks' median, percent of it, [0, 100]."""
    least_count_factor: float = 1.8
    """Counts of visits and purchases, which holidays move, may always be this many times the median, or less by the
    same factor, at least 1."""
    least_share: float = 0.02
    """A limit of a share is at least this far from it, [0, 1]."""
    least_distance: float = 0.02
    """A limit of a distance between distributions is at least this far from it, [0, 1]."""
    least_distance_factor: float = 2.5
    """A distance may always be this many times those weeks' median: distances are skewed, at least 1."""
    confirm_hours: float = 6.0
    """A figure that is compared with those of other windows must have been outside its limits so long ago too, hours;
    0: must not."""
    min_visits: int = 50
    """A window with fewer visits is not judged by shares, distances and outcomes, at least 10."""
    visit_minutes: float = 30.0
    """Requests of one shopper closer than this to the first of them are one visit; its first list counts, minutes."""
    outcome_hours: float = 12.0
    """Purchases this long after a visit began are its outcome, up to the shopper's next visit, hours, above 0."""
    lateness_hours: float = 2.0
    """How late a purchase may arrive; a visit is judged once its outcome window has been closed for so long, hours."""
    early_minutes: float = 5.0
    """A purchase this little before the visit belongs to it too: two machines' clocks, minutes, at least 0."""
    max_clock_minutes: float = 15.0
    """Median distance of a visit's first purchase from the visit, beyond what it was in training, minutes."""
    expected_join_share: float = 1.0
    """Share of visits that end with a purchase: all in training, where trips stand for visits, (0, 1]."""
    max_join_loss: float = 0.1
    """A join share this much below the expected one fails, share of it, (0, 1)."""
    max_calibration_factor: float = 1.25
    """Purchases expected over purchases made, or the reverse, beyond the movement of outcomes, at least 1."""
    max_list_overlap: float = 0.5
    """Share of a list that another shopper's has too; more than in training by this much fails, (0, 1]."""
    max_fallback_share: float = 0.05
    """Answers that came from less than the whole model, [0, 1]."""
    max_model_age_days: float = 35.0
    """Days since the model's cut, above 0."""
    own_windows: int = 7
    """Earlier windows of the same version with which its lists are compared, at least 4."""
    closed_days: tuple[str, ...] = ()
    """Days (YYYY-MM-DD, of `time_zone`) on which no shopper can buy: nothing is counted and nothing ages on them."""
    unusual_days: tuple[str, ...] = ()
    """Days likewise on which shoppers behave unlike in other weeks, as around a public holiday: how much and when they
    buy, and how well that was predicted, is not compared with other weeks."""
    time_zone: str = "UTC"
    """Time zone of the shoppers (America/New_York); days and hours of purchases are those of this zone."""
    sampled_visits: int = 8000
    """Visits before the cut that a plain ranker answers, to measure the natural movement of outcomes, at least 100."""

    def __post_init__(self) -> None:
        days = self.windows_days
        ascending = bool(days) and all(1 <= d <= 28 for d in days) and list(days) == sorted(set(days))
        check(ascending, "windows_days", "1 to 28, ascending", days)
        check(4 <= self.history_weeks <= 52, "history_weeks", "4 to 52", self.history_weeks)
        check(self.min_visits >= 10, "min_visits", "at least 10", self.min_visits)
        check(self.sampled_visits >= 100, "sampled_visits", "at least 100", self.sampled_visits)
        for name in ("spreads", "visit_minutes", "outcome_hours", "max_clock_minutes", "max_model_age_days"):
            check(getattr(self, name) > 0, name, "above 0", getattr(self, name))
        for name in ("lateness_hours", "early_minutes", "confirm_hours"):
            check(getattr(self, name) >= 0, name, "at least 0", getattr(self, name))
        check(0 <= self.least_percent <= 100, "least_percent", "0 to 100", self.least_percent)
        for name in ("least_count_factor", "least_distance_factor"):
            check(getattr(self, name) >= 1, name, "at least 1", getattr(self, name))
        check(self.own_windows >= 4, "own_windows", "at least 4", self.own_windows)
        for name in ("closed_days", "unusual_days"):
            for day in getattr(self, name):
                check(_is_date(day), name, "dates like 2017-12-25", day)
        check(_is_zone(self.time_zone), "time_zone", "a name of the IANA database", self.time_zone)
        for name in ("least_share", "least_distance", "max_fallback_share"):
            check(0 <= getattr(self, name) <= 1, name, "0 to 1", getattr(self, name))
        check(0 < self.expected_join_share <= 1, "expected_join_share", "above 0, at most 1", self.expected_join_share)
        check(0 < self.max_join_loss < 1, "max_join_loss", "above 0, below 1", self.max_join_loss)
        check(self.max_calibration_factor >= 1, "max_calibration_factor", "at least 1", self.max_calibration_factor)
        check(0 < self.max_list_overlap <= 1, "max_list_overlap", "above 0, at most 1", self.max_list_overlap)


def _is_zone(name: str) -> bool:
    try:
        return name == "UTC" or bool(zoneinfo.ZoneInfo(name))
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return False


def _is_date(text: str) -> bool:
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True


@dataclasses.dataclass(frozen=True, kw_only=True)
class RetrainSettings(Settings):
    """When a model is trained again: a cadence, triggers, and the limits of both."""

    nightly_hour: int = 2
    """A refresh is due once a day from this hour on, UTC, 0 to 23."""
    weekly_day: int = 0
    """A run from scratch is due once a week from `nightly_hour` of this day on, 0 (Monday) to 6."""
    cool_down_hours: float = 20.0
    """After a run began, cadence and triggers start no other for so long, hours, at least 0."""
    trigger_days: float = 7.0
    """A trigger for which a good run was started is silent for so long, while its model is rolled out, days, at
    least 0."""
    runs_per_week: int = 10
    """Runs begun within seven days, of any kind and for any reason but a request or a new schema, at least 1."""
    max_run_hours: float = 12.0
    """A run that has not ended after so long counts as lost, hours, above 0."""
    max_new_item_share: float = 0.10
    """Share of purchases of items without a purchase in the model's snapshot; more starts a run, (0, 1]."""
    drift_triggers: tuple[str, ...] = ()
    """Checks of skew and drift (`drift_hour`) whose failure starts a run from scratch; the others only warn."""

    def __post_init__(self) -> None:
        named = all(name.startswith(("skew_", "drift_")) for name in self.drift_triggers)
        check(named, "drift_triggers", "names of checks like skew_store_id or drift_hour", self.drift_triggers)
        check(0 <= self.nightly_hour <= 23, "nightly_hour", "0 to 23", self.nightly_hour)
        check(0 <= self.weekly_day <= 6, "weekly_day", "0 to 6", self.weekly_day)
        check(self.cool_down_hours >= 0, "cool_down_hours", "at least 0", self.cool_down_hours)
        check(self.trigger_days >= 0, "trigger_days", "at least 0", self.trigger_days)
        check(self.runs_per_week >= 1, "runs_per_week", "at least 1", self.runs_per_week)
        check(self.max_run_hours > 0, "max_run_hours", "above 0", self.max_run_hours)
        check(0 < self.max_new_item_share <= 1, "max_new_item_share", "above 0, at most 1", self.max_new_item_share)
