"""One renderer of all results: a Jinja template beside each benchmark, tables as lists of columns."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from model.evaluation.off_policy import MIN_EFFECTIVE

ROOT = Path(__file__).resolve().parent.parent
NONE = "–"
HOUR_S = 3600


def render(template: str, result: Mapping[str, Any], suffix: str = "md", **others: Mapping[str, Any]) -> str:
    """The text of one result.

    Args:
        template: path below benchmarks/, without its suffix and `.j2`.
        result: its keys are the template's variables; as a whole it is `result`.
        others: further results by name.
    """
    return _ENVIRONMENT.get_template(f"{template}.{suffix}.j2").render({**result, **others}, result=result)


def source(name: str, script: str, root: str = "../") -> str:
    """Links to the script of a result and to the result."""
    return f"[{script}]({root}{script}), [result]({root}benchmarks/results/{name}.json)"


def table(rows: Sequence[Any], columns: Sequence[Sequence[str]]) -> str:
    """A Markdown table.

    Args:
        rows: one value a row, mostly a mapping.
        columns: (head, path[, format[, text of a missing value]]): keys of the path are separated by `/`, and "" is
            the row itself; the format is one of FORMATS or Python's. A head with " | " counts as several cells, which
            the format has to give.
    """
    head = " | ".join(column[0] for column in columns)
    lines = [f"| {head} |", "|" + "---|" * (head.count(" | ") + 1)]
    lines += [f"| {' | '.join(cell(row, *column[1:]) for column in columns)} |" for row in rows]
    return "\n".join(lines)


def cell(row: Any, path: str, form: str = "", missing: str = NONE) -> str:
    """One value of a row as text."""
    for key in path.split("/") if path else ():
        row = row.get(key) if isinstance(row, Mapping) else None
    return missing if row is None else text(row, form)


def text(value: Any, form: str = "") -> str:
    """A value in one of FORMATS or in Python's; a dash for none."""
    if value is None:
        return NONE
    written = FORMATS.get(form)
    return written(value) if written else format(value, form)


def interval(change: Mapping[str, float | None]) -> str:
    """Percent and its 95 % interval; a dash where there is none."""
    if None in change.values():
        return NONE
    return f"{change['delta_pct']:+.1f} ({change['low_pct']:+.1f} to {change['high_pct']:+.1f})"


def _ratio(change: Mapping[str, float]) -> str:
    """1 + percent / 100, with its interval."""
    value, low, high = (1 + change[name] / 100 for name in ("delta_pct", "low_pct", "high_pct"))
    return f"{value:.2f} ({low:.2f} to {high:.2f})"


def _size(size: float) -> str:
    """Bytes."""
    for unit, least in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size >= least:
            return f"{size / least:,.1f} {unit}"
    return f"{size / 1e3:,.0f} kB"


def _seconds(seconds: float) -> str:
    return f"{seconds:,.0f} s" if seconds < HOUR_S else f"{seconds / HOUR_S:.1f} h"


FORMATS: dict[str, Callable[[Any], str]] = {
    "interval": interval,
    "percent interval": lambda change: interval(change).replace(" (", " % ("),
    "ratio": _ratio,
    "size": _size,
    "seconds": _seconds,
    "hours": lambda seconds: f"{seconds / HOUR_S:.0f} h",
    "minutes": lambda seconds: f"{seconds / 60:.1f} minutes",
    "gain": lambda change: f"{change['gain']:+.4f} ({change['low']:+.4f} to {change['high']:+.4f})",
    "gb": lambda megabytes: f"{megabytes / 1000:.1f} GB",
    "mb": lambda megabytes: f"{megabytes:,} MB",
    "s": lambda seconds: f"{seconds:.0f} s",
    "levels": lambda values: ", ".join(f"{value:.4f}" for value in values),
    "scale": lambda scale: f"{scale}x",
    "percent": lambda rate: f"{100 * rate:.1f} %",
    "ms": lambda milliseconds: f"{milliseconds:.1f} ms",
    "exact ms": lambda milliseconds: f"{milliseconds:.2f} ms",
}

_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(ROOT),
    undefined=jinja2.StrictUndefined,
    extensions=["jinja2.ext.do"],
    trim_blocks=True,
    lstrip_blocks=True,
    autoescape=False,
)
_ENVIRONMENT.filters |= {
    "text": text,
    "combine": lambda row, more: {**row, **more},
    "change": lambda of: interval(
        {"delta_pct": of["ndcg_delta_pct"], "low_pct": of["low_pct"], "high_pct": of["high_pct"]}
    ),
}
_ENVIRONMENT.tests |= {
    "starting": lambda name, begin: name.startswith(begin),
    "containing": lambda value, part: part in value,
}
_ENVIRONMENT.globals |= {"table": table, "source": source, "min_effective": MIN_EFFECTIVE}
