"""The ablation as Markdown, for docs/quality.md (benchmarks/publish.py puts it there)."""

from typing import Any

from benchmarks.harness.markdown import interval, table


def ablation(result: dict[str, Any]) -> str:
    """What each part of retrieval and of ranking is worth."""
    parts = [_rankers(result), _towers(result)]
    return f"""
On {result["hardware"]["cores"]} cores ([benchmarks/ablation/__main__.py](../benchmarks/ablation/__main__.py), \
[result](../benchmarks/results/ablation.json)): {result["trips"]:,} judged trips after {result["cut"]}, one part taken \
out, or put in (+), at a time. Differences are in percent of the row "as it is", with 95 % intervals (paired \
bootstrap over households); how far another seed moves is a row of its own.

{(chr(10) * 2).join(part for part in parts if part)}
"""


def _towers(result: dict[str, Any]) -> str:
    head = [
        "towers",
        "recall@200",
        "recall@600",
        "new@200",
        "change",
        "union of 600",
        "change",
        "new in it",
        "coverage@200",
    ]
    rows = [
        [
            found["name"],
            _mean(found, "recall@200"),
            _mean(found, "recall@600"),
            _mean(found, "explore_recall@200"),
            _change(found, "explore_recall@200"),
            _mean(found, "union_recall"),
            _change(found, "union_recall"),
            _mean(found, "union_explore_recall"),
            f"{found['coverage@200']:.3f}",
        ]
        for found in result["towers"]
    ]
    title = (
        f"The towers alone, trained for {result['epochs']} epoch where the main job takes three, and the union of "
        f"{result['union']} with them. new: share of what the household had never bought, in the first 200"
    )
    return f"{title}:\n\n{table(head, rows)}" if rows else ""


def _rankers(result: dict[str, Any]) -> str:
    head = ["ranker", "ndcg@10", "change", "recall@10", "change", "new@10", "coverage@10"]
    rows = [
        [
            found["name"],
            _mean(found, "ndcg@10"),
            _change(found, "ndcg@10"),
            _mean(found, "recall@10"),
            _change(found, "recall@10"),
            _mean(found, "explore_recall@10"),
            f"{found['coverage@10']:.3f}",
        ]
        for found in result["rankers"]
    ]
    title = (
        f"The ranker on {result['candidates']} candidates of a trip, found by the same towers, taught by "
        f"{result['ranking_days']} days where the main job takes 140"
    )
    return f"{title}:\n\n{table(head, rows)}" if rows else ""


def _mean(found: dict[str, Any], metric: str) -> str:
    return f"{found['means'][metric]:.4f}"


def _change(found: dict[str, Any], metric: str) -> str:
    return interval(found["over"][metric]) if metric in found["over"] else ""
