"""The canary under traffic, step by step."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from components.reporting import number_format as words
from components.reporting.charts import Curve, Curves, Key, Mark, Row, Rows, Scale
from components.reporting.page_parts import Note, Section
from components.rollout.decision.guard import Measurement
from components.rollout.rollout_record import StepRecord
from pipelines.local.summary import RolloutSummary
from pipelines.report.run_files import Sources
from pipelines.report.section_text import TEXTS

VERSIONS = (Key("dot", "new", "canary"), Key("ring", "old", "stable"))
SPLIT = (Key("bar", "new", "canary"), Key("bar", "faint", "stable"), Key("tick", "limit", "declared"))
TONES = {"step": "good", "promote": "good", "hold": "warn", "rollback": "bad"}
ACTS = 100.0
"""Percent of a limit that is used up when the guard acts; the chart ends at twice that."""
GUARDS = (Key("bar", "new", "nearest of all steps"), Key("tick", "limit", "acts"))


def section(sources: Sources) -> Section | None:
    text, rollout = TEXTS["rollout"], sources.summary.rollout
    if not rollout:
        return None
    steps = rollout.steps
    if not steps:
        return text.section("rollout", steps=steps, why=rollout.why)
    hits = _sides(steps, "hits_per_trip", "Hits per trip: recommended and then bought", "")
    return text.section(
        "rollout",
        text.figure("share", _split(steps), _timeline(steps)),
        text.figure("versions", hits, _sides(steps, "p99_ms", "p99 latency by step", " ms")),
        text.figure("guards", _guards(steps)),
        *_notes(rollout),
        text.table("steps", [_numbers(step) for step in steps]),
        text.table("guards", [_guard(step, guard) for step in steps for guard in step.guards]),
        steps=steps,
    )


def _split(steps: Sequence[StepRecord]) -> Rows:
    rows = [
        Row(
            f"{step.declared_percent} % declared",
            f"{step.observed_shopper_percent:.1f} % observed",
            [
                Mark("bar", 0.0, 100.0, "faint"),
                Mark("bar", 0.0, step.observed_shopper_percent),
                Mark("tick", step.declared_percent, tone="limit"),
            ],
        )
        for step in steps
    ]
    return Rows.over("Share of shoppers answered by the canary", rows, keys=SPLIT, unit=" %")


def _timeline(steps: Sequence[StepRecord]) -> Curves | None:
    """Declared share over time, and what was observed at each step; None where the steps have no times."""
    times = [tuple(map(datetime.fromisoformat, (step.began, step.ended))) for step in steps if step.began]
    if len(times) < len(steps) or times[-1][1] <= times[0][0]:
        return None
    first, last = times[0][0], times[-1][1]

    def at(moment: datetime) -> float:
        return round(100 * ((moment - first) / (last - first)), 3)

    shares = [float(step.declared_percent) for step in steps]
    declared = [(at(moment), share) for pair, share in zip(times, shares, strict=True) for moment in pair]
    if steps[-1].decision == "rollback":
        declared.append((100.0, 0.0))
    middles = [at(begin + (end - begin) / 2) for begin, end in times]
    observed = list(zip(middles, (step.observed_shopper_percent for step in steps), strict=True))
    return Curves(
        title="The same over time",
        curves=(
            Curve(label="declared", tone="old", points=tuple(declared), last=f"{declared[-1][1]:.0f} %", marks="line"),
            Curve(label="observed", tone="new", points=tuple(observed), last=f"{observed[-1][1]:.1f} %", marks="dots"),
        ),
        ticks=Scale(0.0, 100.0, 25.0).ticks(" %"),
        first=f"{first:%H:%M:%S}",
        last=f"{last:%H:%M:%S} UTC",
    )


def _sides(steps: Sequence[StepRecord], key: str, title: str, unit: str) -> Rows | None:
    """A dot for the canary and a ring for the stable version, where they answered; None where neither did."""
    rows = []
    for step in steps:
        values = getattr(step, key)
        sides = [side for side in VERSIONS if side.label in values]
        shown = ", ".join(f"{side.label} {words.three_digits(values[side.label])}{unit}" for side in sides)
        marks = [Mark(side.shape, values[side.label], tone=side.tone) for side in reversed(sides)]
        rows.append(Row(f"{step.declared_percent} %", shown, marks))
    return Rows.over(title, rows, keys=VERSIONS, unit=unit, ticks=3) if any(row.marks for row in rows) else None


def _guards(steps: Sequence[StepRecord]) -> Rows | None:
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
    return Rows.over("How much of each limit was used up", rows, keys=GUARDS, unit=" %") if rows else None


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


def _notes(rollout: RolloutSummary) -> Iterator[Note]:
    """The decision at each step, and the purchases that the store did not take: answers after them lack them."""
    for step in rollout.steps:
        title, tone = f"at {step.declared_percent} %", TONES.get(step.decision, "")
        yield Note(word=step.decision, title=title, text="; ".join(step.reasons), tone=tone)
    if lost := rollout.failed_events:
        title = words.count(lost, "basket was", "baskets were")
        yield Note(word="lost", title=title, text="not accepted by the servers", tone="bad")


def _numbers(step: StepRecord) -> tuple[str, ...]:
    """A step's line of the table."""
    sides = (
        words.three_digits(values[side]) if side in values else "–"
        for values in (step.hits_per_trip, step.p50_ms, step.p99_ms)
        for side in ("canary", "stable")
    )
    return (
        f"{step.declared_percent} %",
        f"{step.observed_shopper_percent:.1f} %",
        f"{step.requests:,}",
        f"{step.canary_requests:,}",
        f"{step.failed_requests:,}",
        *sides,
        f"{step.split_p_value:.2g}",
        step.decision,
    )


def _guard(step: StepRecord, guard: Measurement) -> tuple[str, ...]:
    """A guard's line of the table."""
    return guard.rule, f"{step.declared_percent} %", guard.what, _number(guard.value, guard), _limit(guard)
