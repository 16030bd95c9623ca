"""The monitor's figures for Prometheus (components/kfp_support/pushgateway.py)."""

from collections.abc import Iterable

from components.kfp_support.pushgateway import CHECK_FAILED, CHECK_VALUE, MONITOR_RUN, Sample
from components.monitor.checks.results import Result

JOB = "aisle-monitoring"


def samples(results: Iterable[Result], ran_s: float) -> list[Sample]:
    """Failed or not, and the value, of each check that could be judged. `results`: one a check."""
    out = [Sample(name=MONITOR_RUN, value=ran_s)]
    for result in results:
        if result.status == "unknown" or result.value is None:
            continue
        labels = {"check": result.check, "severity": result.severity}
        out.append(Sample(name=CHECK_FAILED, value=float(result.status == "failed"), labels=labels))
        out.append(Sample(name=CHECK_VALUE, value=result.value, labels={"check": result.check}))
    return out
