"""A week and more in which all was well, for a Prometheus that has just been started: blocks made by promtool.

What a rule compares with the week before, or averages over days, is then there, and a fault has to stand out from it.
Only what such rules read is in it. Time passes faster in it, as for the rules.
"""

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from model.system.programs import find_program

SPAN_S = (7 * 24 + 7) * 3600
"""How far back it goes, in the rules' own time: a week, and the longest window that is looked at a week before."""
REQUESTS_PER_S = 0.5
"""On the wall: a shop that is quieter than those of the tests."""
EVENTS_PER_S = 10.0
JOB = "past"
AGE_EDGES = ("60.0", "3600.0", "21600.0", "86400.0", "259200.0", "604800.0", "+Inf")
FRESH = 3
"""Edges below which no shopper's last purchase is: half of them bought within six hours, all within a day."""


def write_past(workdir: Path, namespaces: Sequence[str], factor: float, until_s: float) -> Path:
    """The directory of the series of a Prometheus whose rules are `factor` times faster, up to a moment."""
    series, text = workdir / "series", workdir / "past.txt"
    text.write_text("\n".join(_lines(namespaces, factor, until_s)) + "\n")
    program = find_program("promtool")
    assert program is not None
    command = [program, "tsdb", "create-blocks-from", "openmetrics", str(text), str(series)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return series


def _lines(namespaces: Sequence[str], factor: float, until_s: float) -> Iterator[str]:
    """OpenMetrics: one family after the other."""
    step_s = 300 / factor
    moments = [until_s - n * step_s for n in range(round(SPAN_S / 300), 0, -1)]
    ok = 'version="v1",outcome="ok",rung="full"'
    yield from _family("aisle_requests", "counter", "_total", {ok: REQUESTS_PER_S}, namespaces, moments)
    yield from _family("aisle_events", "counter", "_total", {'result="added"': EVENTS_PER_S}, namespaces, moments)
    took = {'le="0.05"': REQUESTS_PER_S, 'le="+Inf"': REQUESTS_PER_S}
    yield from _family("aisle_request_seconds", "histogram", "_bucket", took, namespaces, moments)
    count = {"": REQUESTS_PER_S}
    yield from _family("aisle_request_seconds", "", "_count", count, namespaces, moments)
    ages = {f'le="{edge}"': REQUESTS_PER_S * min(n / (FRESH + 1), 1) for n, edge in enumerate(AGE_EDGES, 1)}
    yield from _family("aisle_state_age_seconds", "histogram", "_bucket", ages, namespaces, moments)
    yield "# EOF"


def _family(
    name: str, kind: str, suffix: str, rates: dict[str, float], namespaces: Sequence[str], moments: Sequence[float]
) -> Iterator[str]:
    """Samples of counters that grow at their rates, per second. No `kind`: the family goes on."""
    if kind:
        yield f"# TYPE {name} {kind}"
    for namespace in namespaces:
        for labels, rate in rates.items():
            joined = ",".join(filter(None, (f'namespace="{namespace}",job="{JOB}"', labels)))
            for moment_s in moments:
                yield f"{name}{suffix}{{{joined}}} {rate * (moment_s - moments[0]):g} {moment_s:.3f}"
