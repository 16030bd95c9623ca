"""The re-ranking result as Markdown, for docs/reranking.md (benchmarks/publish.py puts it there)."""

from typing import Any

from benchmarks.harness.markdown import interval, table

EXPLORING = ("boost", "reserved")
"""First words of the ways to trade recall for new products; the other ways are the switches."""


def rerank(result: dict[str, Any]) -> str:
    """Each switch at the last cut, its cost at every cut, and what new products cost."""
    cuts, answer = [_by_name(cut) for cut in result["cuts"]], result["answer_cpu_ms"]
    trips = ", ".join(f"{cut['trips']:,} after {cut['cut']}" for cut in cuts)
    return f"""
On {result["hardware"]["cores"]} cores ([benchmarks/rerank/__main__.py](../benchmarks/rerank/__main__.py), \
[result](../benchmarks/results/rerank.json)). The same candidates of the same trained models, re-ranked in every way; \
judged trips: {trips}. Differences in percent of the list with everything off, with 95 % intervals (paired bootstrap \
over households).

{_switches(cuts[-1])}

{_costs(cuts)}

A whole answer of the loaded model, one request a call, takes {answer["off"]:.1f} ms of CPU (median) with everything \
off and {answer["all of it"]:.1f} ms with all of it; other work on the machine adds to both.

{_exploring(cuts)}
"""


def _by_name(cut: dict[str, Any]) -> dict[str, Any]:
    return cut | {"ways": {way["name"]: way for way in cut["ways"]}}


def _switches(cut: dict[str, Any]) -> str:
    head = ["way", "ndcg@10", "recall@10", "explore_recall@10", "departments in ten", "coverage@10", "CPU ms"]
    rows = [
        [
            name,
            *(f"{found[metric]['mean']:.4f}" for metric in ("ndcg@10", "recall@10", "explore_recall@10")),
            f"{found['kinds@10']:.2f}",
            f"{found['coverage@10']:.4f}",
            f"{found['cpu_ms_p50']:.2f}",
        ]
        for name, found in cut["ways"].items()
        if not name.startswith(EXPLORING)
    ]
    return f"At {cut['cut']}, with the median CPU time of re-ranking one request:\n\n{table(head, rows)}"


def _costs(cuts: list[dict[str, Any]]) -> str:
    names = [name for name in cuts[-1]["ways"] if name != "off" and not name.startswith(EXPLORING)]
    head = ["way", *(f"ndcg@10 {cut['cut']}" for cut in cuts), *(f"recall@10 {cut['cut']}" for cut in cuts)]
    rows = [
        [
            name,
            *(interval(cut["ways"][name][metric]["over_off"]) for metric in ("ndcg@10", "recall@10") for cut in cuts),
        ]
        for name in names
    ]
    return f"What each costs:\n\n{table(head, rows)}"


def _exploring(cuts: list[dict[str, Any]]) -> str:
    names = [name for name in cuts[-1]["ways"] if name == "off" or name.startswith(EXPLORING)]
    head = ["way", *(f"{cut['cut']}: recall@10 | of popularity" for cut in cuts)]
    rows = [
        [
            _label(name),
            *(
                f"{found['recall@10']['over_off']['delta_pct']:+.2f} % | {_ratio(found['explore_over_popularity'])}"
                for found in (cut["ways"][name] for cut in cuts)
            ),
        ]
        for name in names
    ]
    told = table(head, rows, columns=1 + 2 * len(cuts))
    return f"New products: change of recall@10, and explore_recall@10 as a multiple of popularity's:\n\n{told}"


def _label(name: str) -> str:
    return "all ten places to what is new" if name == "boost 10" else name


def _ratio(found: dict[str, float]) -> str:
    """1 + percent / 100, with its interval."""
    value, low, high = (1 + found[name] / 100 for name in ("delta_pct", "low_pct", "high_pct"))
    return f"{value:.2f} ({low:.2f} to {high:.2f})"
