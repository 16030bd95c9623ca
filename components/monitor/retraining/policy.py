"""When a model is trained again, pure: (settings, runs so far, evidence, now) -> what to start, and why.

Each rule is a row, asked in this order; the first that speaks decides, and later ones that would start a run too are
among the reasons. docs/monitoring.md shows the rows as a table, and a test compares the two.

Nothing is counted in runs that were missed: a run is due when the last moment of the calendar lies after the last good
run began. So after an outage of a month one full run is due, not thirty.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from tfx_configs.monitoring import STARTS, RetrainSettings, Training
from tfx_configs.settings import Start
from tfx_configs.units import DAY_S, HOUR_S, WEEK_S

MONDAY_S = 4 * DAY_S
"""1970-01-05, a Monday, unix seconds."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run that was decided on. `ok`: whether it came to its end; None while it is under way."""

    began_s: float
    kind: Training
    ok: bool | None
    reasons: tuple[str, ...] = ()
    id: str = ""
    """What the place where it runs calls it; empty until it is known to have begun there."""
    blessed: bool | None = None
    """What the gate said; None where it did not come to that."""

    @property
    def name(self) -> str:
        """The same whenever it is asked, so that a run is found again by it."""
        return f"aisle-{self.kind}-{datetime.fromtimestamp(self.began_s, UTC):%Y%m%dT%H%M%SZ}"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known now."""

    data_until_s: float
    """The last event that a run could learn from, unix seconds."""
    trained_until_s: float
    """The cut of the model in force, unix seconds."""
    asked: Training = "none"
    """What somebody asks for by hand."""
    schema_changed: bool = False
    """The tables' schema is not the one that the model was made for."""
    quality: tuple[str, ...] = ()
    """Failed checks of the model's quality."""
    drift: tuple[str, ...] = ()
    """Failed checks of skew and drift."""
    new_item_share: float = 0.0
    """Purchases of items that the model's snapshot had never seen bought, [0, 1]."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What to start."""

    train: Training
    reasons: tuple[str, ...]

    @property
    def start(self) -> Start | None:
        """The run's `train.start`; None where nothing is to be started."""
        return STARTS.get(self.train)


Check = Callable[[RetrainSettings, tuple[Run, ...], Evidence, float], str | None]
"""(settings, runs, evidence, now) -> the reason, or None."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One row. `train`: what it starts; None: what was asked for."""

    name: str
    train: Training | None
    when: str
    check: Check
    trigger: bool = False
    """Silent for `trigger_days` after a good run that was started for it."""


def decide(settings: RetrainSettings, runs: tuple[Run, ...], evidence: Evidence, now_s: float) -> Decision:
    """What to start now; `runs` in any order."""
    awake = [rule for rule in RULES if not (rule.trigger and _answered(rule, settings, runs, now_s))]
    spoken = [(rule, f"{rule.name}: {said}") for rule in awake if (said := rule.check(settings, runs, evidence, now_s))]
    if not spoken:
        return Decision(train="none", reasons=("nothing is due",))
    first, reason = spoken[0]
    train = evidence.asked if first.train is None else first.train
    besides = tuple(said for rule, said in spoken[1:] if rule.train != "none")
    return Decision(train=train, reasons=(reason, *besides))


def table() -> list[tuple[str, str, str]]:
    """(rule, when, what is started), in the order asked."""
    rows = [(rule.name, rule.when, rule.train or "what is asked for") for rule in RULES]
    return [*rows, ("else", "none of these", "none")]


def last_nightly_s(settings: RetrainSettings, now_s: float) -> float:
    """The last moment at or before now at which an incremental run was due."""
    offset = settings.nightly_hour * HOUR_S
    return (now_s - offset) // DAY_S * DAY_S + offset


def last_weekly_s(settings: RetrainSettings, now_s: float) -> float:
    """The last moment at or before now at which a full run was due."""
    offset = MONDAY_S + settings.weekly_day * DAY_S + settings.nightly_hour * HOUR_S
    return (now_s - offset) // WEEK_S * WEEK_S + offset


def _answered(rule: Rule, settings: RetrainSettings, runs: tuple[Run, ...], now_s: float) -> bool:
    """Whether a good run of its kind was started lately with this rule among its reasons."""
    return any(
        run.ok
        and run.kind in (rule.train, "full")
        and now_s - run.began_s < settings.trigger_days * DAY_S
        and any(reason.startswith(f"{rule.name}:") for reason in run.reasons)
        for run in runs
    )


def _under_way(settings: RetrainSettings, runs: tuple[Run, ...], seen: Evidence, now_s: float) -> str | None:
    alive = [run for run in runs if run.ok is None and now_s - run.began_s < settings.max_run_hours * HOUR_S]
    return f"a run that began {_hours(now_s - alive[-1].began_s)} ago" if alive else None


def _by_hand(settings: RetrainSettings, runs: tuple[Run, ...], seen: Evidence, now_s: float) -> str | None:
    return seen.asked if seen.asked != "none" else None


def _cool_down(settings: RetrainSettings, runs: tuple[Run, ...], seen: Evidence, now_s: float) -> str | None:
    last_s = max((run.began_s for run in runs), default=-float("inf"))
    if now_s - last_s < settings.cool_down_hours * HOUR_S:
        return f"the last run began {_hours(now_s - last_s)} ago, under {settings.cool_down_hours:g} h"
    return None


def _schema(settings: RetrainSettings, runs: tuple[Run, ...], seen: Evidence, now_s: float) -> str | None:
    return "the tables' schema is not the model's" if seen.schema_changed else None


def _nothing_new(settings: RetrainSettings, runs: tuple[Run, ...], seen: Evidence, now_s: float) -> str | None:
    return "no event after the model's cut" if seen.data_until_s <= seen.trained_until_s else None


def _budget(settings: RetrainSettings, runs: tuple[Run, ...], seen: Evidence, now_s: float) -> str | None:
    begun = sum(now_s - run.began_s < WEEK_S for run in runs)
    return f"{begun} runs within seven days" if begun >= settings.runs_per_week else None


def _quality(settings: RetrainSettings, runs: tuple[Run, ...], seen: Evidence, now_s: float) -> str | None:
    return ", ".join(seen.quality) or None


def _drift(settings: RetrainSettings, runs: tuple[Run, ...], seen: Evidence, now_s: float) -> str | None:
    return ", ".join(name for name in seen.drift if name in settings.drift_triggers) or None


def _weekly(settings: RetrainSettings, runs: tuple[Run, ...], seen: Evidence, now_s: float) -> str | None:
    due_s = last_weekly_s(settings, now_s)
    return _due(due_s, runs, ("full",), seen, now_s)


def _new_items(settings: RetrainSettings, runs: tuple[Run, ...], seen: Evidence, now_s: float) -> str | None:
    if seen.new_item_share > settings.max_new_item_share:
        return f"{100 * seen.new_item_share:.1f} % of purchases, over {100 * settings.max_new_item_share:g} %"
    return None


def _nightly(settings: RetrainSettings, runs: tuple[Run, ...], seen: Evidence, now_s: float) -> str | None:
    return _due(last_nightly_s(settings, now_s), runs, ("full", "incremental"), seen, now_s)


def _due(due_s: float, runs: tuple[Run, ...], kinds: tuple[Training, ...], seen: Evidence, now_s: float) -> str | None:
    """No good run of the kinds began since the moment it was due; without any run, the model's cut stands for one."""
    good = [run.began_s for run in runs if run.ok and run.kind in kinds]
    last_s = max(good, default=-float("inf") if runs else seen.trained_until_s)
    return f"due since {_hours(now_s - due_s)}" if last_s < due_s else None


def _hours(seconds: float) -> str:
    return f"{seconds / HOUR_S:.1f} h"


RULES = (
    Rule(name="under way", train="none", when="a run has begun and not ended within `max_run_hours`", check=_under_way),
    Rule(name="by hand", train=None, when="somebody asks for a run", check=_by_hand),
    Rule(name="cool-down", train="none", when="the last run began less than `cool_down_hours` ago", check=_cool_down),
    Rule(name="schema", train="full", when="the tables' schema is not the model's", check=_schema, trigger=True),
    Rule(name="nothing new", train="none", when="there is no event after the model's cut", check=_nothing_new),
    Rule(name="budget", train="none", when="`runs_per_week` were begun within seven days", check=_budget),
    Rule(name="quality", train="full", when="a check of the model's quality failed", check=_quality, trigger=True),
    Rule(name="drift", train="full", when="a check in `drift_triggers` failed", check=_drift, trigger=True),
    Rule(name="weekly", train="full", when="no good full run since `weekly_day`, `nightly_hour`", check=_weekly),
    Rule(
        name="new items",
        train="incremental",
        when="more than `max_new_item_share` of purchases are of items that the model's snapshot does not know sold",
        check=_new_items,
        trigger=True,
    ),
    Rule(name="nightly", train="incremental", when="no good run since `nightly_hour` of the day", check=_nightly),
)
