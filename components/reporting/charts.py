"""Charts as positions in percent of their width and height; charts.html draws them as SVG.

Percent, not pixels: the marks stretch with the screen and the letters keep their size, on a phone too.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

NICE_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
MOST_DOTS = 8
"""A curve of more points is a line without dots."""


@dataclass(frozen=True)
class Tick:
    """A labelled position on an axis, percent."""

    at: float
    label: str


@dataclass(frozen=True)
class Scale:
    """Maps values to percent of an axis from `low` to `high`."""

    low: float
    high: float
    step: float

    @classmethod
    def over(cls, values: Iterable[float], ticks: int = 4) -> "Scale":
        """The smallest scale of round steps that holds the values and zero."""
        with_zero = [0.0, *values]
        low, high = min(with_zero), max(with_zero)
        rough = (high - low or 1.0) / ticks
        unit = 10 ** math.floor(math.log10(rough))
        step = next(unit * nice for nice in NICE_STEPS if unit * nice >= rough * (1 - 1e-9))
        down, up = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        return cls(down * step, max(up, down + 1) * step, step)

    def at(self, value: float) -> float:
        """Position, percent, [0, 100]; values outside stop at the ends."""
        return round(min(100.0, max(0.0, 100 * (value - self.low) / (self.high - self.low))), 3)

    def ticks(self, unit: str = "", form: str = "g") -> tuple[Tick, ...]:
        count = round((self.high - self.low) / self.step)
        values = [round(self.low + n * self.step, 10) + 0.0 for n in range(count + 1)]
        return tuple(Tick(self.at(value), f"{value:{form}}{unit}".replace("-", "−")) for value in values)


@dataclass(frozen=True)
class Mark:
    """`shape`: bar and span run from `x` to `x2`; dot, ring and tick are at `x`. Percent of the width.

    `tone` names a color of the page: new, old, limit, faint or bad.
    """

    shape: str
    x: float
    x2: float = 0.0
    tone: str = "new"


@dataclass(frozen=True)
class Row:
    """One line of a chart: its name, what it comes to, its marks."""

    label: str
    value: str
    marks: Sequence[Mark]
    group: str = ""
    """Rows of one group are shown under its name."""
    faint: bool = False


@dataclass(frozen=True)
class Key:
    """What a shape and tone stand for."""

    shape: str
    tone: str
    label: str


@dataclass(frozen=True)
class Rows:
    """Named rows over one horizontal axis."""

    title: str
    rows: tuple[Row, ...]
    ticks: tuple[Tick, ...]
    keys: Sequence[Key] = ()
    kind: str = "rows"

    @classmethod
    def over(
        cls, title: str, rows: Sequence[Row], *, keys: Sequence[Key] = (), unit: str = "", ticks: int = 4
    ) -> "Rows":
        """Rows whose marks are values, on the smallest scale of about `ticks` round steps that holds them and zero."""
        scale = Scale.over([x for row in rows for mark in row.marks for x in (mark.x, mark.x2)], ticks)
        placed = (
            replace(row, marks=[replace(mark, x=scale.at(mark.x), x2=scale.at(mark.x2)) for mark in row.marks])
            for row in rows
        )
        return cls(title, tuple(placed), scale.ticks(unit), keys)

    @property
    def alt(self) -> str:
        """The picture in words."""
        named = (f"{f'{row.group}, ' if row.group else ''}{row.label}: {row.value}" for row in self.rows)
        return f"{self.title}. {'; '.join(named)}."


@dataclass(frozen=True, kw_only=True)
class Column:
    """One upright bar, percent of width and height."""

    x: float
    width: float
    height: float
    tone: str
    tip: str


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Upright bars over time."""

    title: str
    columns: tuple[Column, ...]
    ticks: tuple[Tick, ...]
    """Of the vertical axis, percent from the bottom."""
    first: str
    last: str
    summary: str
    keys: tuple[Key, ...] = ()
    kind: str = "columns"

    @property
    def alt(self) -> str:
        return f"{self.title}. {self.summary}"


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A line through points, percent of width and height from the bottom."""

    label: str
    tone: str
    points: tuple[tuple[float, float] | None, ...]
    """None leaves a gap."""
    last: str
    """The value at the end."""
    tips: tuple[str, ...] = ()
    """What a pointer over each point shows; empty: nothing."""
    marks: Literal["both", "line", "dots"] = "both"


@dataclass(frozen=True, kw_only=True)
class Curves:
    """Lines over epochs, scores, weeks or time."""

    title: str
    curves: tuple[Curve, ...]
    ticks: tuple[Tick, ...]
    first: str
    last: str
    kind: str = "curves"

    @property
    def keys(self) -> tuple[Key, ...]:
        return tuple(Key("dot" if curve.marks == "dots" else "line", curve.tone, curve.label) for curve in self.curves)

    @property
    def alt(self) -> str:
        ends = "; ".join(f"{curve.label} ends at {curve.last}" for curve in self.curves)
        return f"{self.title}, {self.first} to {self.last}. {ends}."


@dataclass(frozen=True, kw_only=True)
class Sparkline:
    """A histogram the size of a table cell: (x, width, height) of its bars, percent."""

    bars: tuple[tuple[float, float, float], ...]
    alt: str


def sparkline(values: Sequence[float], alt: str) -> Sparkline:
    """A bar for each value, from zero."""
    top, step = max(values, default=0.0) or 1.0, 100 / max(1, len(values))
    bars = ((round(n * step, 2), round(step * 0.85, 2), round(100 * value / top, 2)) for n, value in enumerate(values))
    return Sparkline(bars=tuple(bars), alt=alt)


def columns(
    title: str,
    labels: Sequence[str],
    values: Sequence[float],
    tones: Sequence[str],
    unit: str,
    keys: tuple[Key, ...] = (),
) -> Columns:
    """A bar for each value, from zero; labels of the first and the last below."""
    scale, width = Scale.over(values, ticks=2), 100 / len(values)
    low, high = min(values), max(values)
    return Columns(
        title=title,
        columns=tuple(
            Column(
                x=round(n * width, 3),
                width=round(width * 0.82, 3),
                height=scale.at(value),
                tone=tone,
                tip=f"{label}: {value:,.0f} {unit}",
            )
            for n, (label, value, tone) in enumerate(zip(labels, values, tones, strict=True))
        ),
        ticks=scale.ticks(form=",.0f"),
        first=labels[0],
        last=labels[-1],
        summary=f"{len(values)} bars, from {low:,.0f} to {high:,.0f} {unit}.",
        keys=keys,
    )


def curves(title: str, series: Mapping[str, Sequence[tuple[float, float]]], epochs: int) -> Curves:
    """A line for each series of (epoch, value) with at least one point; the vertical axis spans the values, not zero.

    Args:
        epochs: at the right end, at least 1; the left end is 0.
    """
    values = [value for points in series.values() for _, value in points]
    low, high = min(values), max(values)
    room = (high - low) * 0.12 or abs(high) * 0.1 or 1.0
    scale = Scale(low - room, high + room, high - low)
    return Curves(
        title=title,
        curves=tuple(
            Curve(
                label=label,
                tone=tone,
                points=tuple((round(100 * epoch / epochs, 3), scale.at(value)) for epoch, value in points),
                last=f"{points[-1][1]:.4g}",
                marks="line" if len(points) > MOST_DOTS else "both" if len(points) > 1 else "dots",
            )
            for (label, points), tone in zip(series.items(), ("old", "new"), strict=False)
        ),
        ticks=tuple(Tick(scale.at(value), f"{value:.4g}") for value in dict.fromkeys((low, high))),
        first="start",
        last=f"{epochs} epoch{'s' if epochs > 1 else ''}",
    )


def curve_with_limit(title: str, labels: Sequence[str], values: Sequence[float | None], limit: float) -> Curves:
    """A point for each value, none where it is None, and a line at the limit; at least one value is a number."""
    scale, width = Scale.over([limit, *(value for value in values if value is not None)]), 100 / len(values)
    last = next(value for value in reversed(values) if value is not None)
    places = [
        None if value is None else (round((n + 0.5) * width, 3), scale.at(value)) for n, value in enumerate(values)
    ]
    tips = ["" if value is None else f"{label}: {value:.3f}" for label, value in zip(labels, values, strict=True)]
    line = ((0.0, scale.at(limit)), (100.0, scale.at(limit)))
    return Curves(
        title=title,
        curves=(
            Curve(label="limit", tone="limit", points=line, last=f"{limit:g}", marks="line"),
            Curve(label="distance", tone="new", points=tuple(places), tips=tuple(tips), last=f"{last:.3f}"),
        ),
        ticks=scale.ticks(),
        first=labels[0],
        last=labels[-1],
    )
