"""Numbers and names as the pages write them."""

from model.evaluation.ranking_metrics import Interval

HARD = "\u00a0"
"""A space that no line ends at: between a number and its unit."""


def name(text: str) -> str:
    """personal_frequency -> personal frequency; aisle -> Aisle."""
    spaced = text.replace("_", " ")
    return "Aisle" if spaced == "aisle" else spaced


def percent(share: float) -> str:
    """0.123 -> 12.3 %"""
    return f"{100 * share:.1f}{HARD}%"


def four_places(value: float | None) -> str:
    """0.12345 -> 0.1235; empty for no value."""
    return "" if value is None else f"{value:.4f}"


def three_digits(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"


def change(percent: float) -> str:
    """+8.1 %"""
    return f"{_signed(percent)}{HARD}%"


def interval(low: float, high: float) -> str:
    """−0.6 to +12.9 %"""
    return f"{_signed(low)} to {change(high)}"


def difference(delta: Interval | None) -> str:
    """+8.1 % (−0.6 to +12.9 %); without the interval where it is a point, empty where there is none."""
    if delta is None:
        return ""
    spread = "" if delta.low_pct == delta.high_pct else f" ({interval(delta.low_pct, delta.high_pct)})"
    return f"{change(delta.delta_pct)}{spread}"


def compact(value: float) -> str:
    """1234567 -> 1.23 M; small numbers with three digits."""
    for size, divisor, unit in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if abs(value) >= size:
            return f"{value / divisor:.3g} {unit}"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.3g}"


def clock(seconds: float) -> str:
    """0.4 s, 12 s, 3 min 5 s"""
    if seconds < 10:
        return f"{seconds:.1f}{HARD}s"
    whole = round(seconds)
    return f"{whole}{HARD}s" if whole < 60 else f"{whole // 60}{HARD}min {whole % 60}{HARD}s"


def milliseconds(value: float) -> str:
    return f"{value:.1f}{HARD}ms" if value < 100 else f"{value:,.0f}{HARD}ms"


def number(value: float | None) -> str:
    """A table's number: whole ones with separators, others with four digits."""
    if value is None:
        return ""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.4g}"


def count(n: int, singular: str, plural: str) -> str:
    """1 trip, 2 trips"""
    return f"{n:,} {singular if n == 1 else plural}"


def shortened(text: str, length: int = 180) -> str:
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")
