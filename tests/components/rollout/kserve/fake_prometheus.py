"""A Prometheus in memory: it scrapes counters at an interval and answers the queries of a rollout."""

import math
import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable

from components.rollout.kserve.prometheus import Sample

Series = tuple[str, tuple[tuple[str, str], ...]]
"""(name, sorted labels)"""
_INCREASE = re.compile(r"sum by \((.*?)\) \(increase\((\w+)\{(.*)\}\[(\d+)s\]\)\)")


def series(name: str, **labels: str) -> Series:
    return name, tuple(sorted(labels.items()))


class FakePrometheus:
    """`increase` is the last sample of the window minus the first, without Prometheus' extrapolation: never more."""

    def __init__(self, now: Callable[[], float], every_s: float = 15.0) -> None:
        self.counters: Counter[Series] = Counter()
        """Of the servers, as they are now."""
        self.memory: dict[str, float] = {}
        """{version: bytes}"""
        self._now, self._every_s = now, every_s
        self._times: list[float] = []
        self._samples: dict[Series, list[float]] = defaultdict(list)

    def scrape(self) -> None:
        """When its time has come."""
        if self._times and self._now() - self._times[-1] < self._every_s:
            return
        for key, value in self.counters.items():
            missing = len(self._times) - len(self._samples[key])
            self._samples[key] += [0.0] * missing + [float(value)]
        self._times.append(self._now())

    def query(self, promql: str) -> list[Sample]:
        if "process_resident_memory_bytes" in promql:
            return [({"version": version}, value) for version, value in self.memory.items()]
        asked = _INCREASE.fullmatch(promql)
        assert asked, promql
        by, name, matchers, seconds = asked[1].split(", "), asked[2], asked[3], int(asked[4])
        wanted = dict(re.findall(r'(\w+)="(.*?)"', matchers))
        first = bisect_left(self._times, self._now() - seconds)
        sums: Counter[tuple[tuple[str, str], ...]] = Counter()
        for (metric, labels), values in self._samples.items():
            own = dict(labels)
            if metric == name and all(own.get(label, value) == value for label, value in wanted.items()):
                inside = values[first:]
                if len(inside) > 1:
                    sums[tuple((label, own.get(label, "")) for label in by)] += inside[-1] - inside[0]
        return [(dict(key), value) for key, value in sums.items() if not math.isnan(value)]
