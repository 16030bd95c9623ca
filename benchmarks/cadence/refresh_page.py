"""The result of benchmarks/cadence/refresh.py as Markdown, for docs/monitoring.md."""

from typing import Any

from benchmarks.harness.markdown import interval, table

WHAT = {
    "stale": "the parent as it is",
    "refresh": "refreshed: its weights, a new catalog",
    "warm": "warm: and one epoch on the trips since",
    "scratch": "from scratch",
}


METRICS = ("ndcg@10", "recall@10", "explore_recall@10")


def refresh(result: dict[str, Any]) -> str:
    """Quality and cost of four ways to go on with a model."""
    shown = [name for name in WHAT if name in result["models"]]
    rows = []
    for name in shown:
        found, over, cost = result["models"][name], result["over_stale"].get(name), result["cost"].get(name)
        levels = [f"{found[m]['mean']:.4f} | {interval(over[m]) if over else '–'}" for m in METRICS]
        told = [f"{found['coverage@10']:.3f}", str(found["new_hits"]), f"{cost['cpu_s']:.0f}" if cost else "–"]
        rows.append([WHAT[name], *levels, *told])
    head = ["model", *(f"{m.replace('_', ' ')} | over the parent, %" for m in METRICS), "coverage@10", "new items hit"]
    against = result["over_scratch"]
    gaps = ", ".join(f"{name} {interval(against[name]['ndcg@10'])}" for name in shown if name in against)
    return f"""
Measured on {result["measured"][:10]} ([benchmarks/cadence/refresh.py](../benchmarks/cadence/refresh.py), \
[result](../benchmarks/results/refresh.json)): next baskets of {result["trips"]:,} households after {result["cut"]}; \
the parent's cut is {result["parent"]}. New are items that nobody had bought by then: \
{100 * result["new_purchases"] / result["purchases"]:.1f} % of the {result["purchases"]:,} purchases judged.

{table([*head, "CPU seconds of training"], rows, columns=10)}

With 95 % intervals over households; each was trained once, and another seed moves it too. \
Over the model from scratch, ndcg@10 in percent: {gaps}.
"""
