"""The highest rate that a server holds, by bracketing: rates rise until one fails, then the bracket is halved."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.serving.load import Load, Target

STEP = 1.5
"""From one rate of the climb to the next."""
BISECTIONS = 2
"""Of the bracket between the highest rate held and the lowest that failed, unless a search asks for fewer."""
MOST_RPS, LEAST_RPS = 20_000.0, 20.0
AGREE = 2
"""Long rounds with the same result decide; the two rates at the end are decided."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How long things take, seconds. A rate that counts was held for AGREE long rounds."""

    short_s: float = 3.0
    """A round of the climb."""
    long_s: float = 20.0
    """A round at the rates that decide; one that can no longer hold ends early."""
    cost_s: float = 10.0
    """At a given rate, for latency and CPU."""
    warm_s: float = 5.0


QUICK = Pace(short_s=1.0, long_s=2.0, cost_s=2.0, warm_s=1.0)
"""To try the benchmark, not to publish."""


@dataclass(kw_only=True)
class Rate:
    """All rounds at one rate, in their order."""

    rps: float
    rounds: list[dict[str, Any]] = field(default_factory=list)

    @property
    def decided(self) -> bool:
        """Whether AGREE long rounds have the same result."""
        return max(self._count(True), self._count(False)) >= AGREE

    @property
    def holds(self) -> bool:
        """The result where it is decided, else that of the last round."""
        return self._count(True) >= AGREE if self.decided else bool(self.rounds[-1]["held"])

    def _count(self, held: bool) -> int:
        return sum(1 for done in self.rounds if done["long"] and done["held"] == held)


class Search:
    """Looks for the highest rate that holds `target`; keeps every round of every rate."""

    def __init__(self, ask: Callable[[float, float, Target], Load], target: Target, pace: Pace) -> None:
        """ask: (rate, seconds, target) -> what came of it."""
        self._ask, self._target, self._pace = ask, target, pace
        self._rates: dict[float, Rate] = {}

    def highest(self, first: float, bisections: int = BISECTIONS) -> float:
        """The highest rate of those tried that held, as all lower ones did; 0 where none of them does.

        Args:
            first: where the climb begins, requests a second.
        """
        rps = first
        while rps <= MOST_RPS and (self._round(rps, long=False) or self._round(rps, long=True)):
            rps *= STEP
        held, failed = self._bracket()
        while not held and failed > LEAST_RPS:
            self._round(failed / STEP, long=True)
            held, failed = self._bracket()
        for _ in range(bisections if held and failed < math.inf else 0):
            self._round(math.sqrt(held * failed), long=True)
            held, failed = self._bracket()
        while open_ends := [rps for rps in self._bracket() if rps in self._rates and not self._rates[rps].decided]:
            self._round(open_ends[-1], long=True)
        return self._bracket()[0]

    def report(self) -> list[dict[str, Any]]:
        """Every rate tried, rising, with its rounds."""
        rates = sorted(self._rates.values(), key=lambda rate: rate.rps)
        return [{"rps": round(rate.rps, 1), "rounds": rate.rounds} for rate in rates]

    def _bracket(self) -> tuple[float, float]:
        """(the highest rate that holds with all lower ones, the lowest that does not); 0 and infinity for none."""
        held = 0.0
        for rps, rate in sorted(self._rates.items()):
            if not rate.holds:
                return held, rps
            held = rps
        return held, math.inf

    def _round(self, rps: float, long: bool) -> bool:
        load = self._ask(rps, self._pace.long_s if long else self._pace.short_s, self._target)
        held = self._target.held(load)
        rate = self._rates.setdefault(rps, Rate(rps=rps))
        rate.rounds.append({"held": held, "long": long} | summary(load))
        return held


def summary(load: Load) -> dict[str, Any]:
    """What the result has of one round."""
    full = load.full_share
    return {
        "seconds": round(load.seconds, 1),
        **{f"p{percent}_ms": quantile(load, percent) for percent in (50, 90, 99)},
        "not_200": load.not_200,
        "full_share": None if full is None else round(full, 5),
        "client_cores": round(load.client_cpu_s / load.seconds, 2),
    }


def quantile(load: Load, percent: int) -> float | None:
    """A percentile of the latencies, ms; None where it is among what was lost, or nothing came."""
    latency_ms = load.quantile_ms(percent / 100)
    return round(latency_ms, 2) if math.isfinite(latency_ms) else None
