"""When a model is trained again, pure: (settings, runs so far, evidence, now) -> what to start, and why.

Each rule is a row, evaluated in this order; the first that applies decides, and later ones that would start a run too
are among the reasons. docs/reference/decisions.md shows the rows as a table, and a test compares the two.

Missed runs are not counted: a run is due when the last moment of the calendar is after the last good run began. So
after an outage of a month one run from scratch is due, not thirty.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from components.artifacts.monitor_report import Evidence, RetrainDecision, TrainingKind
from tfx_configs.monitoring import RetrainSettings, Training
from tfx_configs.units import DAY_S, HOUR_S, WEEK_S

CHANGED = "the tables' schema is not the model's"
MONDAY_S = 4 * DAY_S
"""1970-01-05, a Monday, unix seconds."""


class TrainingRun(BaseModel):
    """One run that was decided on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    began_s: float
    kind: TrainingKind
    ok: bool | None
    """Whether it finished without an error; None while it is active."""
    reasons: tuple[str, ...] = ()
    id: str = ""
    """Its id where it runs; empty until it is certain that it began there."""
    blessed: bool | None = None
    """The gate's verdict; None where the run did not reach the gate."""
    name: str = ""
    """From its kind and its beginning, so that it can be searched for where it runs."""

    @model_validator(mode="before")
    @classmethod
    def _named(cls, fields: Any) -> Any:
        """Earlier releases named a run by its kind's former word, and did not record the name."""
        if not isinstance(fields, dict) or not isinstance(fields.get("began_s"), int | float):
            return fields
        began = datetime.fromtimestamp(fields["began_s"], UTC)
        return {"name": f"aisle-{fields.get('kind')}-{began:%Y%m%dT%H%M%SZ}"} | fields


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What the rules evaluate; runs in any order."""

    settings: RetrainSettings
    runs: tuple[TrainingRun, ...]
    evidence: Evidence
    now_s: float


@dataclass(frozen=True)
class Rule:
    """One row."""

    name: str
    train: Training | None
    """What it starts; None: what is requested."""
    when: str
    reason: Callable[[Situation], str | None]
    """Why it applies; None or empty where it does not."""
    trigger: bool = False
    """Silent for `trigger_days` after a good run that was started for it."""


def decide(
    settings: RetrainSettings, runs: tuple[TrainingRun, ...], evidence: Evidence, now_s: float
) -> RetrainDecision:
    """Return what to start now; `runs` in any order."""
    now = Situation(settings=settings, runs=runs, evidence=evidence, now_s=now_s)
    active = [rule for rule in RULES if not (rule.trigger and _answered(rule, now))]
    applying = [(rule, f"{rule.name}: {reason}") for rule in active if (reason := rule.reason(now))]
    if not applying:
        return RetrainDecision(train="none", reasons=("nothing is due",))
    first, reason = applying[0]
    train = evidence.asked if first.train is None else first.train
    others = tuple(reason for rule, reason in applying[1:] if rule.train != "none")
    return RetrainDecision(train=train, reasons=(reason, *others))


def table() -> list[tuple[str, str, str]]:
    """Return (rule, when, what is started), in the order of evaluation."""
    rows = [(rule.name, rule.when, rule.train or "what is requested") for rule in RULES]
    return [*rows, ("else", "none of these", "none")]


def last_nightly_s(settings: RetrainSettings, now_s: float) -> float:
    """Return the last moment at or before now at which a refresh was due."""
    offset = settings.nightly_hour * HOUR_S
    return (now_s - offset) // DAY_S * DAY_S + offset


def last_weekly_s(settings: RetrainSettings, now_s: float) -> float:
    """Return the last moment at or before now at which a run from scratch was due."""
    offset = MONDAY_S + settings.weekly_day * DAY_S + settings.nightly_hour * HOUR_S
    return (now_s - offset) // WEEK_S * WEEK_S + offset


def _answered(rule: Rule, now: Situation) -> bool:
    """Return whether a good run of its kind was started lately with this rule among its reasons."""
    return any(
        run.ok
        and run.kind in (rule.train, "scratch")
        and now.now_s - run.began_s < now.settings.trigger_days * DAY_S
        and any(reason.startswith(f"{rule.name}:") for reason in run.reasons)
        for run in now.runs
    )


def _active(now: Situation) -> str | None:
    limit_s = now.settings.max_run_hours * HOUR_S
    alive = [run for run in now.runs if run.ok is None and now.now_s - run.began_s < limit_s]
    return f"a run that began {_hours(now.now_s - alive[-1].began_s)} ago" if alive else None


def _cool_down(now: Situation) -> str | None:
    age_s = now.now_s - max((run.began_s for run in now.runs), default=-float("inf"))
    if age_s < now.settings.cool_down_hours * HOUR_S:
        return f"the last run began {_hours(age_s)} ago, under {now.settings.cool_down_hours:g} h"
    return None


def _nothing_new(now: Situation) -> str | None:
    none_later = now.evidence.data_until_s <= now.evidence.trained_until_s
    return "no event after the model's cut" if none_later else None


def _budget(now: Situation) -> str | None:
    begun = sum(now.now_s - run.began_s < WEEK_S for run in now.runs)
    return f"{begun} runs within seven days" if begun >= now.settings.runs_per_week else None


def _quality(now: Situation) -> str | None:
    return ", ".join(now.evidence.quality)


def _drift(now: Situation) -> str | None:
    return ", ".join(name for name in now.evidence.drift if name in now.settings.drift_triggers)


def _new_items(now: Situation) -> str | None:
    share, limit = now.evidence.new_item_share, now.settings.max_new_item_share
    return f"{100 * share:.1f} % of purchases, over {100 * limit:g} %" if share > limit else None


def _due(due_s: float, now: Situation, *kinds: Training) -> str | None:
    """No good run of the kinds began since the moment it was due; without any run, the model's cut counts as one."""
    good = [run.began_s for run in now.runs if run.ok and run.kind in kinds]
    last_s = max(good, default=-float("inf") if now.runs else now.evidence.trained_until_s)
    return f"due since {_hours(now.now_s - due_s)}" if last_s < due_s else None


def _weekly(now: Situation) -> str | None:
    return _due(last_weekly_s(now.settings, now.now_s), now, "scratch")


def _nightly(now: Situation) -> str | None:
    return _due(last_nightly_s(now.settings, now.now_s), now, "scratch", "warm", "refresh")


def _hours(seconds: float) -> str:
    return f"{seconds / HOUR_S:.1f} h"


RULES = (
    Rule("active", "none", "a run has begun and not ended within `max_run_hours`", _active),
    Rule("manual", None, "an operator requests a run", lambda now: now.evidence.asked.removeprefix("none")),
    Rule("cool-down", "none", "the last run began less than `cool_down_hours` ago", _cool_down),
    Rule("schema", "scratch", CHANGED, lambda now: CHANGED if now.evidence.schema_changed else None, trigger=True),
    Rule("nothing new", "none", "there is no event after the model's cut", _nothing_new),
    Rule("budget", "none", "`runs_per_week` were begun within seven days", _budget),
    Rule("quality", "scratch", "a check of the model's quality failed", _quality, trigger=True),
    Rule("drift", "scratch", "a check in `drift_triggers` failed", _drift, trigger=True),
    Rule("weekly", "scratch", "no good run from scratch since `weekly_day`, `nightly_hour`", _weekly),
    Rule(
        "new items",
        "refresh",
        "more than `max_new_item_share` of purchases are of items without a purchase in the model's snapshot",
        _new_items,
        trigger=True,
    ),
    Rule("nightly", "refresh", "no good run since `nightly_hour` of the day", _nightly),
)
