"""What docs/monitoring.md says about the measurements of the monitor."""

from collections import Counter
from typing import Any

from benchmarks.harness.markdown import table
from model.evaluation.off_policy import MIN_EFFECTIVE
from tfx_configs.units import HOUR_S


def offpolicy(result: dict[str, Any]) -> str:
    """Estimates against a known truth."""
    rows = []
    for case in result["cases"]:
        for way, found in case["ways"].items():
            rows.append(
                [
                    case["logged"] if way == "ips" else "",
                    case["policy"] if way == "ips" else "",
                    f"{case['truth']:.3f}" if way == "ips" else "",
                    f"{case['effective_p50']:,.0f}" if way == "ips" else "",
                    way.upper(),
                    f"{found['bias']:+.4f} ± {1.96 * found['bias_se']:.4f}",
                    f"{found['rmse']:.3f}",
                    f"{100 * found['coverage']:.1f} %",
                ]
            )
    head = ["logged", "candidate policy", "truth", "effective size", "", "bias", "rmse", "interval holds the truth"]
    return f"""
Simulated on {result["measured"][:10]} ([benchmarks/offpolicy/__main__.py](../benchmarks/offpolicy/__main__.py), \
[result](../benchmarks/results/offpolicy.json)): {result["rounds"]} logs of {result["requests"]:,} requests each, \
answered by the real re-ranker in a world whose chances are known. The scores that DR uses are wrong there: a \
fifth too high, and each off by half. Truth and bias are hits of a list of ten; intervals promise 95 %.

{table(head, rows)}

With an effective sample size of a few, intervals promise what they do not hold; hence the limit of {MIN_EFFECTIVE}.
"""


def monitoring(result: dict[str, Any]) -> str:
    """Faults on the data side, and the clean replay."""
    found = [alert for alert in result["alerts"] if "check" in alert]
    rows = [
        [alert["fault"].rstrip("."), f"`{alert['check']}`", _hours(alert["fired_after_s"]), _hours(alert["limit_s"])]
        for alert in found
    ]
    quiet = result["clean_replay"]
    in_time = sum(alert["fired_after_s"] is not None for alert in found)
    alarms = _alarms(quiet)
    system = [
        [alert["fault"], f"`{alert['name']}`", _seconds(alert["fired_after_s"]), _seconds(alert["limit_s"])]
        for alert in result["alerts"]
        if "check" not in alert
    ]
    factors = [f"{result[name]:,.0f}" for name in ("system_factor", "system_long_factor") if name in result]
    faster = f", which passed {' and, for waits of hours, '.join(factors)} times faster" if factors else ""
    looked_at, unseen = (_spans(result.get(name, {})) for name in ("other_spans", "unseen_spans"))
    unseen = f" Not looked at: {unseen}." if unseen else ""
    return f"""
Measured on {result["measured"][:10]} ([benchmarks/monitoring/__main__.py](../benchmarks/monitoring/__main__.py), \
[result](../benchmarks/results/monitoring.json)) on the demo's {quiet["visits"]:,} trips of four weeks, answered by \
the served model through the server's own code. Each fault begins two weeks after the cut and is looked for every six \
hours of the data's time, by distances (`skew_*`, `drift_*`) every day, for promotions every 28 hours: \
{in_time} of {len(found)} were found within their time. Without a fault, asked \
{quiet["moments"]} times over {quiet["days"]} days (with distances {quiet["with_distances"]} times): {alarms}.
Other spans of as long, answered by personal frequency. Looked at before: {looked_at}.{unseen}

{table(["fault", "found by", "after", "limit"], rows)}

Alerts of Prometheus, by faults in real servers and jobs, in the rules' own time{faster}:

{table(["fault", "alert", "after", "limit"], system)}
"""


def cadence(result: dict[str, Any]) -> str:
    """Quality by week and cost, of three policies."""
    rows = result["cadence"]
    policies = list(dict.fromkeys(row["policy"] for row in rows))
    by_week = {(row["week"], row["policy"]): row for row in rows}
    gains = {row["week"]: row for row in result["weekly_over_never"]}
    lines = [
        [
            week,
            *(_level(by_week[week, policy]) for policy in policies),
            f"{gain['gain']:+.4f} ({gain['low']:+.4f} to {gain['high']:+.4f})",
        ]
        for week, gain in gains.items()
    ]
    costs = [
        f"{policy}: {sum(row['runs'] for row in rows if row['policy'] == policy)} runs, "
        f"{sum(row['cpu_s'] for row in rows if row['policy'] == policy) / 60:.0f} CPU minutes"
        for policy in policies
    ]
    overall = result["weekly_over_never_overall"]
    causes = {one["at"]: [reason for reason in one["reasons"] if ": due" not in reason] for one in result["triggers"]}
    fired = ", ".join(f"{at} ({'; '.join(reasons)})" for at, reasons in causes.items()) or "none"
    return f"""
Measured on {result["measured"][:10]} ([benchmarks/cadence/__main__.py](../benchmarks/cadence/__main__.py), \
[result](../benchmarks/results/cadence.json)): ndcg@10 on all trips of each of the last {len(gains)} weeks, with 95 % \
intervals over shoppers. Triggers that fired: {fired}. Cost: {"; ".join(costs)}. \
Weekly over never, all weeks together: {overall["gain"]:+.4f} ({overall["low"]:+.4f} to {overall["high"]:+.4f}).

![ndcg@10 by week and policy](images/cadence.svg)

{table(["week", *policies, "weekly over never"], lines)}
"""


def _level(row: dict[str, Any]) -> str:
    return f"{row['ndcg@10']:.4f} ({row['low']:.4f} to {row['high']:.4f})"


def _alarms(quiet: dict[str, Any]) -> str:
    """Moments are told of all looks; the distances' come from those of every day."""
    times = Counter(alert.split(": ")[1] for alert in quiet["alerts"])
    told = ", ".join(f"{name} {count} of {quiet['moments']}" for name, count in times.items())
    return told if times else "no check failed"


def _spans(found: dict[str, Any]) -> str:
    return "; ".join(f"from {cut}: {_alarms(one)}" for cut, one in found.items())


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "not in time"
    return f"{seconds:,.0f} s" if seconds < HOUR_S else f"{seconds / HOUR_S:.1f} h"


def _hours(seconds: float | None) -> str:
    return "not in time" if seconds is None else f"{seconds / HOUR_S:.0f} h"
