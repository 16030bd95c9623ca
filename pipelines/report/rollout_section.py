"""The canary under traffic, step by step."""

from collections.abc import Sequence
from datetime import datetime

from components.reporting import number_format as words
from components.reporting.charts import Curve, Curves, Key, Mark, Row, Rows, Scale
from components.reporting.page_parts import Figure, Note, Section, Table
from components.rollout.rollout_record import StepRecord
from pipelines.local.summary import RolloutSummary
from pipelines.report import guards_section as guards
from pipelines.report.run_files import Sources

VERSIONS = (Key(shape="dot", tone="new", label="canary"), Key(shape="ring", tone="old", label="stable"))
TONES = {"step": "good", "promote": "good", "hold": "warn", "rollback": "bad"}


def section(sources: Sources) -> Section | None:
    rollout = sources.summary.rollout
    if not rollout:
        return None
    steps = rollout.steps
    if not steps:
        why = f": {rollout.why}" if rollout.why else ""
        return Section(id="rollout", title="The rollout", lead=f"No traffic was moved{why}.")
    figures = [
        Figure(
            caption="Blue is the share of shoppers that the new model answered; the mark is what was declared.",
            charts=tuple(chart for chart in (_split(steps), _timeline(steps)) if chart),
        )
    ]
    hits = _sides(steps, "hits_per_trip", "Hits per trip: recommended and then bought", "")
    waits = _sides(steps, "p99_ms", "p99 latency by step", " ms")
    if hits or waits:
        figures.append(
            Figure(
                caption="Both versions answered trips at the same time: more hits are better, fewer milliseconds too.",
                charts=tuple(chart for chart in (hits, waits) if chart),
            )
        )
    nearest = guards.figure(steps)
    figures += [nearest] if nearest else []
    every = guards.table(steps)
    return Section(
        id="rollout",
        title="The rollout",
        lead="Held-out trips were replayed as requests; what the shopper then bought is the outcome.",
        figures=tuple(figures),
        notes=(*(_note(step) for step in steps), *_lost(rollout)),
        tables=(_table(steps), every) if every else (_table(steps),),
    )


def _split(steps: Sequence[StepRecord]) -> Rows:
    scale = Scale(0.0, 100.0, 25.0)
    return Rows(
        title="Share of shoppers answered by the canary",
        rows=tuple(
            Row(
                label=f"{step.declared_percent} % declared",
                marks=(
                    Mark(shape="bar", x=0.0, x2=100.0, tone="faint"),
                    Mark(shape="bar", x=0.0, x2=scale.at(step.observed_shopper_percent)),
                    Mark(shape="tick", x=scale.at(step.declared_percent), tone="limit"),
                ),
                value=f"{step.observed_shopper_percent:.1f} % observed",
            )
            for step in steps
        ),
        ticks=scale.ticks(" %"),
        keys=(
            Key(shape="bar", tone="new", label="canary"),
            Key(shape="bar", tone="faint", label="stable"),
            Key(shape="tick", tone="limit", label="declared"),
        ),
    )


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
    """A dot for the canary and a ring for the stable version, where they answered."""
    values = [value for step in steps for value in getattr(step, key).values()]
    if not values:
        return None
    scale = Scale.over(values, ticks=3)
    rows = []
    for step in steps:
        sides = getattr(step, key)
        marks = [
            Mark(shape=shape, x=scale.at(sides[side]), tone=tone)
            for side, shape, tone in (("stable", "ring", "old"), ("canary", "dot", "new"))
            if side in sides
        ]
        figures = ", ".join(f"{side} {_short(sides[side])}{unit}" for side in ("canary", "stable") if side in sides)
        rows.append(Row(label=f"{step.declared_percent} %", marks=tuple(marks), value=figures))
    return Rows(title=title, rows=tuple(rows), ticks=scale.ticks(unit), keys=VERSIONS)


def _note(step: StepRecord) -> Note:
    return Note(
        word=step.decision,
        title=f"at {step.declared_percent} %",
        text="; ".join(step.reasons),
        tone=TONES.get(step.decision, ""),
    )


def _lost(rollout: RolloutSummary) -> tuple[Note, ...]:
    """Purchases that the store did not take: the answers after them were made without them."""
    lost = rollout.failed_events
    title = words.count(lost, "basket was", "baskets were")
    return (Note(word="lost", title=title, text="not accepted by the servers", tone="bad"),) if lost else ()


def _table(steps: Sequence[StepRecord]) -> Table:
    def both(step: StepRecord, key: str, side: str) -> str:
        sides = getattr(step, key)
        return _short(sides[side]) if side in sides else "–"

    return Table(
        title="Every step in numbers",
        header=(
            "declared",
            "shoppers observed",
            "requests",
            "of them canary",
            "failed",
            "hits per trip, canary",
            "stable",
            "p50 ms, canary",
            "stable",
            "p99 ms, canary",
            "stable",
            "p of the split",
            "decision",
        ),
        rows=tuple(
            (
                f"{step.declared_percent} %",
                f"{step.observed_shopper_percent:.1f} %",
                f"{step.requests:,}",
                f"{step.canary_requests:,}",
                f"{step.failed_requests:,}",
                *(
                    both(step, key, side)
                    for key in ("hits_per_trip", "p50_ms", "p99_ms")
                    for side in ("canary", "stable")
                ),
                f"{step.split_p_value:.2g}",
                step.decision,
            )
            for step in steps
        ),
        numeric=tuple(range(1, 12)),
    )


def _short(value: float) -> str:
    return f"{value:.3g}" if value < 100 else f"{value:,.0f}"
