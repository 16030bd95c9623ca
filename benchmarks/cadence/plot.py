"""The cadence benchmark as a picture for the docs: quality by week, a line a policy, intervals as whiskers."""

from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from components.reporting.charts import Scale
from model.files import write_text

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 320, 56, 16, 40, 36
COLORS = ("#8a8f98", "#2563eb", "#d97706")
SHIFT = 5
"""Policies of one week stand this far apart, pixels."""


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Writes an SVG. `rows`: {policy, week, ndcg@10, low, high}."""
    weeks = list(dict.fromkeys(row["week"] for row in rows))
    policies = list(dict.fromkeys(row["policy"] for row in rows))
    low, high = min(row["low"] for row in rows), max(row["high"] for row in rows)
    room = 0.08 * (high - low or 1.0)
    scale = Scale(low - room, high + room, high - low)

    def x(week: str, n: int) -> float:
        at = (weeks.index(week) + 0.5) / len(weeks)
        return LEFT + at * (WIDTH - LEFT - RIGHT) + (n - (len(policies) - 1) / 2) * SHIFT

    def y(value: float) -> float:
        return TOP + (100 - scale.at(value)) / 100 * (HEIGHT - TOP - BOTTOM)

    parts = [_axis(y, [low, (low + high) / 2, high])]
    for n, (policy, color) in enumerate(zip(policies, COLORS, strict=False)):
        own = [row for row in rows if row["policy"] == policy]
        line = " ".join(f"{x(row['week'], n):.1f},{y(row['ndcg@10']):.1f}" for row in own)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="1.5"/>')
        for row in own:
            at = f"{x(row['week'], n):.1f}"
            parts.append(
                f'<line x1="{at}" x2="{at}" y1="{y(row["low"]):.1f}" y2="{y(row["high"]):.1f}" stroke="{color}"/>'
                f'<circle cx="{at}" cy="{y(row["ndcg@10"]):.1f}" r="3.5" fill="{color}"/>'
            )
        parts.append(f'<text x="{LEFT + 190 * n}" y="18" fill="{color}">{escape(policy)}</text>')
    ends = ((weeks[0], "start"), (weeks[-1], "end"))
    for (week, anchor), edge in zip(ends, (LEFT, WIDTH - RIGHT), strict=True):
        parts.append(f'<text x="{edge}" y="{HEIGHT - 12}" text-anchor="{anchor}" fill="#6b7280">week of {week}</text>')
    title = f"ndcg@10 by week: {', '.join(policies)}"
    write_text(
        path,
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="13"><title>{escape(title)}</title>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>{"".join(parts)}</svg>\n',
    )


def _axis(y: Any, values: list[float]) -> str:
    return "".join(
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#e5e7eb"/>'
        f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end" fill="#6b7280">{value:.3f}</text>'
        for value in values
    )
