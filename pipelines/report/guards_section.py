"""How near each guardrail of the rollout came to acting."""

from collections.abc import Sequence

from components.reporting import number_format as words
from components.reporting.charts import Key, Mark, Row, Rows
from components.rollout.decision.guards import Measurement
from components.rollout.rollout_record import StepRecord

ACTS = 100.0
"""Percent of a limit that is used up when the guard acts; the chart ends at twice that."""
KEYS = (Key("bar", "new", "nearest of all steps"), Key("tick", "limit", "acts"))


def chart(steps: Sequence[StepRecord]) -> Rows | None:
    """Each guard at the step where it was nearest to its limit; None where the steps have no figures."""
    nearest: dict[str, tuple[float, Measurement]] = {}
    for guard in (guard for step in steps for guard in step.guards):
        used = _used(guard)
        if guard.rule not in nearest or used > nearest[guard.rule][0]:
            nearest[guard.rule] = (used, guard)
    rows = [
        Row(
            words.name(rule),
            f"{_number(guard.value, guard)}, {_limit(guard)}",
            [
                Mark("bar", 0.0, min(used, 2 * ACTS), "bad" if used > ACTS else "new"),
                Mark("tick", ACTS, tone="limit"),
            ],
        )
        for rule, (used, guard) in nearest.items()
    ]
    return Rows.over("How much of each limit was used up", rows, keys=KEYS, unit=" %") if rows else None


def table_rows(steps: Sequence[StepRecord]) -> list[tuple[str, ...]]:
    """Every guard at every step."""
    return [
        (guard.rule, f"{step.declared_percent} %", guard.what, _number(guard.value, guard), _limit(guard))
        for step in steps
        for guard in step.guards
    ]


def _used(guard: Measurement) -> float:
    """Percent of the limit that the value has used up; above 100 the guard acts."""
    part, whole = (guard.value, guard.limit) if guard.at_most else (guard.limit, guard.value)
    if part <= 0:
        return 0.0
    return 100 * part / whole if whole > 0 else 2 * ACTS


def _limit(guard: Measurement) -> str:
    return f"{'at most' if guard.at_most else 'at least'} {_number(guard.limit, guard)}"


def _number(value: float, guard: Measurement) -> str:
    unit = f"{words.HARD}{guard.unit}" if guard.unit else ""
    return f"{words.three_digits(value)}{unit}".replace("-", "−")
