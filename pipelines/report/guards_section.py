"""How near each guardrail of the rollout came to acting."""

from collections.abc import Sequence

from components.reporting import number_format as words
from components.reporting.charts import Key, Mark, Row, Rows, Scale
from components.reporting.page_parts import Figure, Table
from components.rollout.decision.guards import Measurement
from components.rollout.rollout_record import StepRecord

ACTS = 100.0
"""Percent of a limit that is used up when the guard acts."""


def figure(steps: Sequence[StepRecord]) -> Figure | None:
    """Each guard at the step where it was nearest to its limit; None where the steps have no figures."""
    nearest: dict[str, tuple[float, Measurement]] = {}
    for guard in (guard for step in steps for guard in step.guards):
        used = _used(guard)
        if guard.rule not in nearest or used > nearest[guard.rule][0]:
            nearest[guard.rule] = (used, guard)
    if not nearest:
        return None
    scale = Scale.over([ACTS, *(min(used, 2 * ACTS) for used, _ in nearest.values())])
    chart = Rows(
        title="How much of each limit was used up",
        rows=tuple(
            Row(
                label=words.name(rule),
                marks=(
                    Mark(shape="bar", x=0.0, x2=scale.at(used), tone="bad" if used > ACTS else "new"),
                    Mark(shape="tick", x=scale.at(ACTS), tone="limit"),
                ),
                value=f"{_number(guard.value, guard)}, {_limit(guard)}",
            )
            for rule, (used, guard) in nearest.items()
        ),
        ticks=scale.ticks(" %"),
        keys=(
            Key(shape="bar", tone="new", label="nearest of all steps"),
            Key(shape="tick", tone="limit", label="acts"),
        ),
    )
    return Figure(caption="Guardrails: a bar past its mark rolls the canary back, or holds it.", charts=(chart,))


def table(steps: Sequence[StepRecord]) -> Table | None:
    """Every guard at every step."""
    rows = tuple(
        (guard.rule, f"{step.declared_percent} %", guard.what, _number(guard.value, guard), _limit(guard))
        for step in steps
        for guard in step.guards
    )
    header = ("guard", "step", "what", "value", "limit")
    return Table(title="Every guard at every step", header=header, rows=rows, numeric=(1, 3, 4)) if rows else None


def _used(guard: Measurement) -> float:
    """Percent of the limit that the value has used up; above 100 the guard acts."""
    part, whole = (guard.value, guard.limit) if guard.at_most else (guard.limit, guard.value)
    if part <= 0:
        return 0.0
    return 100 * part / whole if whole > 0 else 2 * ACTS


def _limit(guard: Measurement) -> str:
    return f"{'at most' if guard.at_most else 'at least'} {_number(guard.limit, guard)}"


def _number(value: float, guard: Measurement) -> str:
    short = f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{short}{words.HARD}{guard.unit}".replace("-", "−") if guard.unit else short.replace("-", "−")
