"""What the pages say about the rollout benchmark."""

from typing import Any

HEAD = (
    "| test | identical model rolled back | 10 % worse model rolled back | requests to that, median | 90 % within |",
    "|---|---|---|---|---|",
)


def rollout(result: dict[str, Any]) -> str:
    """The section of docs/rollout.md."""
    real, ways = result["real"], {"always valid, asked all the time (Aisle)": result} | result["peers"]
    table = "\n".join([*HEAD, *(_row(name, found) for name, found in ways.items())])
    return f"""
Simulated on {result["measured"][:10]} ([benchmarks/rollout/__main__.py](../benchmarks/rollout/__main__.py), \
[result](../benchmarks/results/rollout.json)): {result["rounds"]:,} rollouts of an identical model, and as many of one \
that loses each hit with {100 * result["loss"]:.0f} %. Each is a month of {result["shoppers"]:,} shoppers drawn from \
{real["shoppers"]:,} of the demo's with their {real["trips"]:,} trips and the hits of the first stable model \
({real["hits_per_trip"]:.2f} a trip; variance {real["design_effect"]:.1f} times that of independent trips), decided by \
the real state machine after every {result["look_every"]} requests, with `min_outcome_ratio` {1 - result["loss"]:g}. \
Aisle's requests include its step of 10 %; the peers begin at half and half and end at the horizon that promises 90 %, \
{result["horizon"]:,} requests.

{table}

Undecided when the month was over: {_percent(result["undecided_rate"]["identical"])} and \
{_percent(result["undecided_rate"]["worse"])}; an identical model was promoted after \
{result["requests_to_promote_p50"]:,.0f} requests (median).

Envoy under load ({result["load_rps"]:,.0f} requests a second from four clients, {result["hardware"]["cores"]} cores \
shared with clients and servers): {result["weight_changes"]} changes of weight took effect in \
{result["weight_change_ms"]:.0f} ms (median; {result["weight_change_max_ms"]:.0f} ms at most), then the canary was \
killed at 100 %; {result["requests"]:,} requests, {result["lost"]} lost.
"""


def _row(name: str, found: dict[str, Any]) -> str:
    half, most = (
        "–" if found[key] is None else f"{found[key]:,.0f}"
        for key in ("requests_to_detect_p50", "requests_to_detect_p90")
    )
    rates = f"{_percent(found['false_rollback_rate'])} | {_percent(found['detection_rate'])}"
    return f"| {name} | {rates} | {half} | {most} |"


def _percent(rate: float) -> str:
    return f"{100 * rate:.1f} %"
