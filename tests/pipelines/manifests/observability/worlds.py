"""Worlds for promtool: {series: values}, written by what happens in them, step by step."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.pipelines.manifests.observability.monitoring_files import Group, rules_file

World = dict[str, str]
Steps = Sequence[tuple[float, int]]
"""(value of one step, for how many steps)"""


@dataclass(frozen=True, kw_only=True)
class Test:
    """The count that `expr` gives in a world at a moment."""

    __test__ = False
    name: str
    world: World
    at: str
    expr: str
    count: int


PER_STEP = 1000.0
"""Requests that come in one step."""


def counter(*steps: tuple[float, int]) -> str:
    """Values of a counter that begins at 0 and grows by so much a step, so many steps long."""
    total, parts = 0.0, ["0"]
    for growth, count in steps:
        parts.append(f"{total + growth:g}+{growth:g}x{count - 1}")
        total += growth * count
    return " ".join(parts)


def gauge(*steps: tuple[float, int]) -> str:
    return " ".join(f"{value:g}x{count - 1}" for value, count in steps)


def answered(**worlds: Steps) -> World:
    """Requests by outcome, or by rung: `full=[(900, 10)]`, `popular=...`, `error=...`, `shed=...`."""
    samples = {}
    for name, steps in worlds.items():
        outcome, rung = (name, "") if name in ("error", "shed", "bad_request") else ("ok", name)
        labels = f'namespace="shop",pod="p",version="v1",outcome="{outcome}",rung="{rung}"'
        samples[f"aisle_requests_total{{{labels}}}"] = counter(*steps)
    return samples


def failing(shares: Steps) -> World:
    """A share of the requests fails."""
    return answered(
        full=[(PER_STEP * (1 - share), count) for share, count in shares],
        error=[(PER_STEP * share, count) for share, count in shares],
    )


def slow(shares: Steps) -> World:
    """A share of the answers takes over 50 ms."""
    total = counter(*((PER_STEP, count) for _, count in shares))
    quick = counter(*((PER_STEP * (1 - share), count) for share, count in shares))
    return {
        'aisle_request_seconds_count{namespace="shop",version="v1"}': total,
        'aisle_request_seconds_bucket{namespace="shop",version="v1",le="0.05"}': quick,
    }


def histogram(name: str, labels: str, below: dict[str, Steps]) -> World:
    """Cumulative buckets: {upper edge: observations at or below it, a step}."""
    return {f'{name}_bucket{{namespace="shop",{labels}le="{edge}"}}': counter(*steps) for edge, steps in below.items()}


def promtool_file(directory: Path, interval: str, groups: Sequence[Group], tests: Sequence[Test]) -> Path:
    """A test file beside its rules."""
    name = f"{interval}-{len(list(directory.iterdir()))}"
    (directory / f"rules-{name}.yaml").write_text(yaml.safe_dump(rules_file(groups)))
    content: dict[str, Any] = {
        "rule_files": [f"rules-{name}.yaml"],
        "evaluation_interval": interval,
        "tests": [
            {
                "name": test.name,
                "interval": interval,
                "input_series": [{"series": series, "values": values} for series, values in test.world.items()],
                "promql_expr_test": [
                    {
                        "expr": test.expr,
                        "eval_time": test.at,
                        "exp_samples": [{"labels": "{}", "value": test.count}] if test.count else [],
                    }
                ],
            }
            for test in tests
        ],
    }
    path = directory / f"tests-{name}.yaml"
    path.write_text(yaml.safe_dump(content))
    return path
