"""Small inline SVG charts: no script, no outside file, colors from the page's CSS, text for screen readers."""

from collections.abc import Sequence
from html import escape

WIDTH, HALF_WIDTH, HEIGHT = 640, 430, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 8, 14, 22


def bars(values: Sequence[float], labels: Sequence[str], alt: str) -> str:
    """One bar a value, from zero; the first and the last label under the axis, the maximum beside it."""
    top = max(values, default=0.0) or 1.0
    plot_w, plot_h = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
    step = plot_w / max(1, len(values))
    gap = 2.0 if step > 5 else 0.5
    marks = []
    for index, (value, label) in enumerate(zip(values, labels, strict=True)):
        height = plot_h * value / top
        x, y = _LEFT + index * step, _TOP + plot_h - height
        tip = f"<title>{escape(label)}: {number(value)}</title>"
        marks.append(
            f'<rect class="bar" x="{x:.1f}" y="{y:.1f}" width="{step - gap:.1f}" height="{height:.1f}">{tip}</rect>'
        )
    return _svg(marks + _axes(top, labels, WIDTH), WIDTH, alt)


def line(values: Sequence[float | None], labels: Sequence[str], limit: float, alt: str) -> str:
    """A line with a point a value (None leaves a gap), half the page wide, and a dashed line at the limit."""
    known = [value for value in values if value is not None]
    top = 1.15 * max([limit, *known])
    plot_w, plot_h = HALF_WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
    step = plot_w / max(1, len(values))

    def y(value: float) -> float:
        return _TOP + plot_h * (1 - value / top)

    marks, path, pen = [], "", "M"
    for index, (value, label) in enumerate(zip(values, labels, strict=True)):
        if value is None:
            pen = "M"
            continue
        x = _LEFT + (index + 0.5) * step
        path += f"{pen}{x:.1f} {y(value):.1f}"
        pen = "L"
        kind = "point over" if value > limit else "point"
        tip = f"<title>{escape(label)}: {value:.3f}</title>"
        marks.append(f'<circle class="{kind}" cx="{x:.1f}" cy="{y(value):.1f}" r="3">{tip}</circle>')
    marks.insert(0, f'<path class="line" d="{path}"/>')
    right = HALF_WIDTH - _RIGHT
    marks.append(f'<line class="limit" x1="{_LEFT}" x2="{right}" y1="{y(limit):.1f}" y2="{y(limit):.1f}"/>')
    marks.append(f'<text x="{right}" y="{y(limit) - 4:.1f}" text-anchor="end">limit {limit:g}</text>')
    return _svg(marks + _axes(top, labels, HALF_WIDTH), HALF_WIDTH, alt)


def spark(values: Sequence[float], alt: str) -> str:
    """A histogram the size of a table cell."""
    top = max(values, default=0.0) or 1.0
    step = 120 / max(1, len(values))
    marks = "".join(
        f'<rect class="bar" x="{i * step:.1f}" y="{28 - 28 * v / top:.1f}" '
        f'width="{step - 1:.1f}" height="{28 * v / top:.1f}"/>'
        for i, v in enumerate(values)
    )
    return f'<svg class="spark" viewBox="0 0 120 28" role="img" aria-label="{escape(alt)}">{marks}</svg>'


def number(value: float) -> str:
    """1234567 -> 1.23 M; small numbers with three digits."""
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e4, " k")):
        if abs(value) >= size:
            return f"{value / (1e3 if unit == ' k' else size):.3g}{unit}"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.3g}"


def _axes(top: float, labels: Sequence[str], width: int) -> list[str]:
    base = HEIGHT - _BOTTOM
    marks = [
        f'<line class="axis" x1="{_LEFT}" x2="{width - _RIGHT}" y1="{base}" y2="{base}"/>',
        f'<text x="{_LEFT - 6}" y="{_TOP + 5}" text-anchor="end">{number(top)}</text>',
        f'<text x="{_LEFT - 6}" y="{base + 4}" text-anchor="end">0</text>',
    ]
    if labels:
        marks.append(f'<text x="{_LEFT}" y="{HEIGHT - 6}">{escape(labels[0])}</text>')
        marks.append(f'<text x="{width - _RIGHT}" y="{HEIGHT - 6}" text-anchor="end">{escape(labels[-1])}</text>')
    return marks


def _svg(marks: Sequence[str], width: int, alt: str) -> str:
    return f'<svg viewBox="0 0 {width} {HEIGHT}" role="img" aria-label="{escape(alt)}">{"".join(marks)}</svg>'
