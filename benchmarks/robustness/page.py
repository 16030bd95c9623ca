"""The robustness result as Markdown, for docs/robustness.md (benchmarks/publish.py puts it there)."""

from typing import Any

from benchmarks.harness.markdown import interval, table


def noise(result: dict[str, Any]) -> str:
    """Wrong labels and shares of negatives for the ranker alone; less and older data for the whole model."""
    tables = [
        (
            f"The ranker alone, taught by {result['ranking_days']} days, on the candidates of the same towers",
            result["rankers"],
        ),
        ("The whole model, as the main job trains it", result["models"]),
    ]
    told = [f"{title}:\n\n{_table(found)}" for title, found in tables if found]
    return f"""
On {result["hardware"]["cores"]} cores ([benchmarks/robustness/__main__.py](../benchmarks/robustness/__main__.py), \
[result](../benchmarks/results/noise.json)): {result["trips"]:,} judged trips after {result["cut"]}, whose labels are \
right in every row. Differences are in percent of the first row, with 95 % intervals (paired bootstrap over households).

{(chr(10) * 2).join(told)}
"""


def _table(rows: list[dict[str, Any]]) -> str:
    head = ["what is different", "ndcg@10", "change", "recall@10", "change", "coverage@10"]
    return table(
        head,
        [
            [
                found["name"],
                f"{found['means']['ndcg@10']:.4f}",
                interval(found["over"]["ndcg@10"]) if found["over"] else "",
                f"{found['means']['recall@10']:.4f}",
                interval(found["over"]["recall@10"]) if found["over"] else "",
                f"{found['coverage@10']:.3f}",
            ]
            for found in rows
        ],
    )
