"""What the monitor checks and when it raises an alert, and when a model is trained again."""

import zoneinfo
from typing import Annotated, Literal

from pydantic import Field

from tfx_configs.frozen import Count, Factor, Must, NotNegative, Percent, Positive, Settings, Share, ascending
from tfx_configs.settings import is_date

Training = Literal["none", "refresh", "warm", "scratch"]
"""What `train.start` a training run gets (TrainSettings); none: no run."""
FORMER_TRAINING: dict[str, Training] = {"incremental": "refresh", "full": "scratch"}
"""Former words, in reports and records of training runs that earlier releases wrote."""
Severity = Literal["page", "ticket"]
"""page: an operator is called at once; ticket: in working hours. The alert rules use the same two words."""


def _is_zone(name: str) -> bool:
    try:
        return name == "UTC" or bool(zoneinfo.ZoneInfo(name))
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return False


_Days = Annotated[tuple[str, ...], Must("dates like 2017-12-25", lambda days: all(map(is_date, days)))]
_PositiveShare = Annotated[float, Field(gt=0, le=1)]


class MonitorSettings(Settings):
    """Limits come from how much a figure moved between the weeks before the cut, and from these settings.

    A check has two windows that end now: a short one that finds a large change within a day, and a long one that finds
    a small change.
    """

    windows_days: Annotated[
        tuple[Count, ...], Must("1 to 28, ascending", lambda days: ascending(days) and days[-1] <= 28)
    ] = (1, 7)
    """Lengths of the windows, days."""
    history_weeks: int = Field(12, ge=4, le=52)
    """Weeks before the cut that show how much a figure moves by itself."""
    spreads: Positive = 5.0
    """Half the width of a limit in robust standard deviations (1.4826 MAD) of those weeks."""
    least_percent: Percent = 10.0
    """A limit is at least this far from those weeks' median, percent of it."""
    least_count_factor: Factor = 1.8
    """Counts of visits and purchases, which holidays move, may always be this many times the median, or less by the
    same factor."""
    least_share: Share = 0.02
    """A limit of a share is at least this far from it."""
    least_distance: Share = 0.02
    """A limit of a distance between distributions is at least this far from it."""
    least_distance_factor: Factor = 2.5
    """A distance may always be this many times those weeks' median: distances are skewed."""
    confirm_hours: NotNegative = 6.0
    """A figure that is compared with those of other windows must have been outside its limits this long ago too;
    0: not required, hours."""
    min_visits: int = Field(50, ge=10)
    """A window with fewer visits is not judged by shares, distances and outcomes."""
    visit_minutes: Positive = 30.0
    """Requests of one shopper closer than this to the first of them are one visit; its first list counts, minutes."""
    outcome_hours: Positive = 12.0
    """Purchases this long after a visit began are its outcome, up to the shopper's next visit, hours."""
    lateness_hours: NotNegative = 2.0
    """How late a purchase may arrive; a visit is judged this long after the end of its outcome window, hours."""
    early_minutes: NotNegative = 5.0
    """A purchase this little before the visit belongs to it too: two machines' clocks, minutes."""
    max_clock_minutes: Positive = 15.0
    """Median distance of a visit's first purchase from the visit, beyond what it was in training, minutes."""
    expected_join_share: _PositiveShare = 1.0
    """Share of visits that end with a purchase: all in training, where trips are taken as visits."""
    max_join_loss: float = Field(0.1, gt=0, lt=1)
    """A join share this much below the expected one fails, share of it."""
    max_calibration_factor: Factor = 1.25
    """Purchases expected over purchases made, or the reverse, beyond the movement of outcomes."""
    max_list_overlap: _PositiveShare = 0.5
    """Share of a list that another shopper's has too; more than in training by this much fails."""
    max_fallback_share: Share = 0.05
    """Answers that came from less than the whole model."""
    max_model_age_days: Positive = 35.0
    """Age of the model, counted from its cut, days."""
    own_windows: int = Field(7, ge=4)
    """Earlier windows of the same version that its lists are compared with."""
    closed_days: _Days = ()
    """Days (YYYY-MM-DD, of `time_zone`) without trade: nothing is counted and nothing grows old on them."""
    unusual_days: _Days = ()
    """Days likewise on which shoppers behave as on no other, as around a great feast: how much and when they buy, and
    how well that was predicted, is not compared with other weeks."""
    time_zone: Annotated[str, Must("a name of the IANA database", _is_zone)] = "UTC"
    """Of the shoppers (America/New_York): days and hours of purchases are those of this zone's clock."""
    sampled_visits: int = Field(8000, ge=100)
    """Visits before the cut that a plain ranker answers, to see how much outcomes move by themselves."""


class RetrainSettings(Settings):
    """When a model is trained again: a cadence, triggers, and what holds both back."""

    nightly_hour: int = Field(2, ge=0, le=23)
    """A refresh is due once a day from this hour on, UTC."""
    weekly_day: int = Field(0, ge=0, le=6)
    """A run from scratch is due once a week from `nightly_hour` of this day on; 0 is Monday."""
    cool_down_hours: NotNegative = 20.0
    """After a run began, cadence and triggers start no other for this long, hours."""
    trigger_days: NotNegative = 7.0
    """A trigger for which a good run was started is silent for this long, while its model is on its way, days."""
    runs_per_week: Count = 10
    """Runs begun within seven days, of any kind and for any reason but an operator's request or a new schema."""
    max_run_hours: Positive = 12.0
    """A run that has not ended after this long counts as lost, hours."""
    max_new_item_share: _PositiveShare = 0.10
    """Purchases of items without a purchase in the model's catalog snapshot; more starts a run."""

    drift_triggers: Annotated[
        tuple[str, ...],
        Must(
            "names of checks like skew_store_id or drift_hour",
            lambda names: all(name.startswith(("skew_", "drift_")) for name in names),
        ),
    ] = ()
    """Checks of skew and drift (`drift_hour`) whose failure starts a run from scratch; the others only warn."""


class MonitorStep(Settings):
    """Everything one run of the monitor depends on."""

    monitor: MonitorSettings = MonitorSettings()
    retrain: RetrainSettings = RetrainSettings()
