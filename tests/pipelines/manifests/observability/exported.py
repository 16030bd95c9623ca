"""Series and labels that the code exports, and those that an expression of PromQL reads."""

import re
from collections.abc import Iterator

from prometheus_client.metrics import MetricWrapperBase

from components.kfp_support.pushgateway import GAUGES
from model.serving.telemetry import metrics

SCRAPE = {"namespace", "pod", "job", "instance"}
"""What Prometheus and its operator add."""
FROM_ELSEWHERE = {"up": set(), "process_cpu_seconds_total": set(), "process_resident_memory_bytes": set()}
CONTROLLER = ("aisle_rollout_last_evaluation_timestamp_seconds",)
"""Of the rollout's controller (components/rollout/kserve/watch_metrics.py), what rules read."""
SELECTOR = re.compile(r"(?<![\w:$\"'])([a-z_][\w:]*)(?:\{([^}]*)\})?(?=[\[\s)},/*+-]|$)")
WORDS = set(
    re.findall(
        r"\w+",
        "sum max min by on and or unless rate increase offset absent avg_over_time last_over_time "
        "histogram_quantile abs time ignoring group_left label_values vector",
    )
)


def _exported() -> dict[str, set[str]]:
    """{name of a series: its own labels}, from the registries of the code."""
    families: dict[str, set[str]] = {name: set(labels) for name, (_, labels) in GAUGES.items()}
    families |= {name: set() for name in CONTROLLER}
    for metric in vars(metrics).values():
        if not isinstance(metric, MetricWrapperBase):
            continue
        (family,) = metric.describe()
        labels = set(metric._labelnames)
        for suffix in {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",)):
            families[family.name + suffix] = labels | ({"le"} if suffix == "_bucket" else set())
    return families


EXPORTED = _exported()


def series(expr: str) -> Iterator[tuple[str, set[str]]]:
    """(name, labels matched) of every selector; groupings and words of PromQL are left out."""
    bare = re.sub(r"\b(?:by|on|ignoring|group_left|without)\s*\([^)]*\)", " ", expr)
    bare = re.sub(r"label_values\(([^,]+), \w+\)", r"\1", bare)
    for names in re.findall(r'__name__=~"([^"]+)"', bare):
        yield from ((name, set()) for name in names.split("|"))
    bare = re.sub(r"\{__name__[^}]*\}", " ", bare)
    bare = re.sub(r"\[[^\]]*\]|offset \w+", " ", bare)
    for name, inside in SELECTOR.findall(bare):
        if name not in WORDS:
            yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", inside))
