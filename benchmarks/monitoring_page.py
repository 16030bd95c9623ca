"""What docs/monitoring.md says about the measurements of the monitor."""

from typing import Any

from benchmarks.markdown import table
from model.offpolicy import MIN_EFFECTIVE

HOUR_S = 3600


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
Simulated on {result["measured"][:10]} ([benchmarks/offpolicy.py](../benchmarks/offpolicy.py), \
[result](../benchmarks/results/offpolicy.json)): {result["rounds"]} logs of {result["requests"]:,} requests each, \
answered by the real re-ranker in a world whose chances are known. The scores that DR uses are wrong there: a \
fifth too high, and each off by half. Truth and bias are hits of a list of ten; intervals promise 95 %.

{table(head, rows)}

With an effective sample size of a few, intervals promise what they do not hold; hence the limit of {MIN_EFFECTIVE}.
"""
