"""Service level objectives, and the alerts that tell when their error budgets burn.

Multi-window, multi-burn-rate alerts as in the Site Reliability Workbook (Beyer and others 2018), chapter 5: the long
window says that it matters, the short one that it goes on. The budget is that of 30 days.
"""

from dataclasses import dataclass

from pipelines.manifests.observability.rules import Alert, Group, Record, Severity

FEWEST_BAD = 10
"""Bad requests in the long window below which nobody is told: one error at night is no burning budget."""
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")


@dataclass(frozen=True, kw_only=True)
class Objective:
    """A share of requests that must be good. `bad` and `total` are counters, `{window}` stands for a range."""

    alert: str
    record: str
    """Name of the recorded share of bad requests, without its window."""
    target: float
    """Share of good requests, (0, 1)."""
    bad: str
    total: str
    what: str
    """What a bad request is, for people."""


@dataclass(frozen=True, kw_only=True)
class Burn:
    """A burn rate that is told: `rate` times what the budget allows, over both windows."""

    rate: float
    long: str
    short: str
    wait: str
    severity: Severity


BURNS = (
    Burn(rate=14.4, long="1h", short="5m", wait="2m", severity="page"),  # 2 % of the budget in an hour
    Burn(rate=6, long="6h", short="30m", wait="15m", severity="page"),  # 5 % in six hours
    Burn(rate=3, long="1d", short="2h", wait="1h", severity="ticket"),  # 10 % in a day
    Burn(rate=1, long="3d", short="6h", wait="3h", severity="ticket"),  # 10 % in three days
)

AVAILABILITY = Objective(
    alert="AisleAvailabilityBurn",
    record="aisle:requests:failed_ratio_rate",
    target=0.999,
    bad='sum by (namespace) (rate(aisle_requests_total{outcome=~"error|shed"}[{window}]))',
    total='sum by (namespace) (rate(aisle_requests_total{outcome!="bad_request"}[{window}]))',
    what="failed or were turned away",
)
LATENCY = Objective(
    alert="AisleLatencyBurn",
    record="aisle:requests:slow_ratio_rate",
    target=0.99,
    bad="""sum by (namespace) (rate(aisle_request_seconds_count[{window}]))
    - sum by (namespace) (rate(aisle_request_seconds_bucket{le="0.05"}[{window}]))""",
    total="sum by (namespace) (rate(aisle_request_seconds_count[{window}]))",
    what="took over 50 ms",
)
OBJECTIVES = (AVAILABILITY, LATENCY)


def objective_group(objective: Objective) -> Group:
    """The recorded shares and the four alerts of one objective."""
    records = [Record(name=f"{objective.record}{window}", expr=_ratio(objective, window)) for window in WINDOWS]
    name = f"aisle-{objective.alert.removeprefix('Aisle').removesuffix('Burn').lower()}"
    return Group(name=name, rules=(*records, *(_alert(objective, burn) for burn in BURNS)))


def _ratio(objective: Objective, window: str) -> str:
    bad, total = (part.replace("{window}", window) for part in (objective.bad, objective.total))
    return f"({bad})\n/ {total}"


def _alert(objective: Objective, burn: Burn) -> Alert:
    limit = f"{burn.rate * (1 - objective.target):.4g}"
    bad = objective.bad.replace("{window}", burn.long).replace("rate(", "increase(")
    return Alert(
        name=objective.alert,
        expr=f"""{objective.record}{burn.long} > {limit}
            and {objective.record}{burn.short} > {limit}
            and ({bad}) >= {FEWEST_BAD}""",
        wait=burn.wait,
        severity=burn.severity,
        labels={"window": burn.long},
        summary=f"{{{{ $value | humanizePercentage }}}} of the requests of {burn.long} {objective.what}: "
        f"over {burn.rate:g} times what {objective.target * 100:g} % in 30 days allow.",
    )
