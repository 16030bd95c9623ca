"""How the page writes numbers and names."""

from model.evaluation.ranking_metrics import Interval

HARD = "\u00a0"
"""A space that no line ends at: between a number and its unit."""


def name(text: str) -> str:
    """personal_frequency -> personal frequency; aisle -> Aisle."""
    spaced = text.replace("_", " ")
    return "Aisle" if spaced == "aisle" else spaced


def change(percent: float) -> str:
    """+8.1 %"""
    return f"{_signed(percent)}{HARD}%"


def interval(low: float, high: float) -> str:
    """−0.6 to +12.9 %"""
    return f"{_signed(low)} to {change(high)}"


def difference(found: Interval | None) -> str:
    """+8.1 % (−0.6 to +12.9 %); without the interval where it is a point, empty where there is none"""
    if found is None:
        return ""
    if found.low_pct == found.high_pct:
        return change(found.delta_pct)
    return f"{change(found.delta_pct)} ({interval(found.low_pct, found.high_pct)})"


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


def count(n: int, one: str, many: str) -> str:
    """1 trip, 2 trips"""
    return f"{n:,} {one if n == 1 else many}"


def shortened(text: str, length: int = 180) -> str:
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")
