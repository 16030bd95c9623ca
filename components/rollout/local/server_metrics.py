"""What the model servers measured (model/serving/telemetry/metrics.py): where the milliseconds of an answer go, and how
many answers broke the contract."""

from collections.abc import Iterable

from prometheus_client.parser import text_string_to_metric_families

from components.rollout.local.processes import get

REQUEST = "server, the rest"
AROUND = "Envoy and HTTP"
VIOLATIONS = "aisle_contract_violations_total"
_NAMES = {"aisle_queue_seconds_sum": "queue", "aisle_request_seconds_sum": REQUEST}


def stage_seconds(ports: Iterable[int]) -> dict[str, float]:
    """{stage: seconds spent so far} on all servers together; REQUEST is all their time within a request."""
    seconds: dict[str, float] = {}
    for port in ports:
        text = get(port, "/metrics")[1].decode()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                stage = sample.labels.get("stage", "") if sample.name == "aisle_stage_seconds_sum" else ""
                name = stage or _NAMES.get(sample.name)
                if name:
                    seconds[name] = seconds.get(name, 0.0) + sample.value
    return seconds


def violations(port: int) -> int:
    """Answers of the server on this port that broke the contract so far; 0 where none answers."""
    text = get(port, "/metrics")[1].decode()
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return round(sum(sample.value for sample in samples if sample.name == VIOLATIONS))


def stage_ms(before: dict[str, float], after: dict[str, float], requests: int, mean_ms: float) -> dict[str, float]:
    """{stage: milliseconds a request}, adding up to `mean_ms`; empty where the servers reported nothing.

    Args:
        before, after: of `stage_seconds`, around `requests` requests that came one after the other.
        mean_ms: of a request as its client saw it.
    """
    spent = {name: 1000 * (after[name] - before.get(name, 0.0)) / max(requests, 1) for name in after}
    inside = spent.pop(REQUEST, 0.0)
    if not inside:
        return {}
    return {
        AROUND: max(mean_ms - inside, 0.0),
        **spent,
        REQUEST: max(inside - sum(spent.values()), 0.0),
    }
