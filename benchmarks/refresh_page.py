"""The result of benchmarks/refresh.py as Markdown, for docs/monitoring.md."""

from typing import Any

from benchmarks.markdown import interval, table

WHAT = {
    "stale": "the parent as it is",
    "refresh": "refreshed: its weights, a new catalog",
    "warm": "warm: and one epoch on the trips since",
    "scratch": "from scratch",
}


def refresh(result: dict[str, Any]) -> str:
    """Quality and cost of four ways to go on with a model."""
    rows = []
    for name, words in WHAT.items():
        found = result["models"][name]
        over = result["over_stale"].get(name)
        cost = result["cost"].get(name)
        rows.append(
            [
                words,
                *(_level(found[metric]) for metric in ("ndcg@10", "recall@10")),
                *(interval(over[metric]) if over else "–" for metric in ("ndcg@10", "recall@10")),
                f"{found['coverage@10']:.3f}",
                str(found["new_hits"]),
                f"{cost['cpu_s']:.0f}" if cost else "–",
            ]
        )
    head = ["model", "ndcg@10", "recall@10", "ndcg@10 over the parent, percent", "recall@10 likewise", "coverage@10"]
    against = result["over_scratch"]
    gaps = ", ".join(f"{name} {interval(against[name]['ndcg@10'])}" for name in ("refresh", "warm"))
    return f"""
Measured on {result["measured"][:10]} ([benchmarks/refresh.py](../benchmarks/refresh.py), \
[result](../benchmarks/results/refresh.json)): next baskets of {result["trips"]:,} households after {result["cut"]}; \
the parent's cut is {result["parent"]}. New are items that nobody had bought by then: \
{100 * result["new_purchases"] / result["purchases"]:.1f} % of the purchases judged.

{table([*head, "new items hit", "CPU seconds of training"], rows)}

With 95 % intervals over households. Over the model from scratch, ndcg@10 in percent: {gaps}.
"""


def _level(found: dict[str, float]) -> str:
    return f"{found['mean']:.4f} ({found['low']:.4f} to {found['high']:.4f})"
