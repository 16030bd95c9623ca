"""The quality result as Markdown, for docs/quality.md (benchmarks/publish.py puts it there)."""

from typing import Any

from benchmarks.harness.markdown import interval, table
from benchmarks.quality.result import AISLE, EXPLORE, POPULARITY, TREES, TUTORIAL
from model.evaluation.ranking_metrics import COVERAGE

FURTHER = ("phr@10", "recall@20", "ndcg@20", "explore_recall@10", "repeat_recall@10", "coverage@10")


def quality(result: dict[str, Any]) -> str:
    """All rankers at all cuts, Aisle against the best of them, the union, the settings that were chosen."""
    cuts = result["cuts"]
    last = cuts[-1]
    tables = [_ranking(cuts), _comparison(cuts), _further(last), _new_only(cuts), _union(cuts), _seeds(last)]
    tables += [_cost(cuts), _chosen(last)]
    trips = ", ".join(f"{cut['trips']:,} after {cut['cut']}" for cut in cuts)
    return f"""
On {result["hardware"]["cores"]} cores ([benchmarks/quality/__main__.py](../benchmarks/quality/__main__.py), \
[result](../benchmarks/results/quality.json)). Judged trips: {trips}.

{(chr(10) * 2).join(table for table in tables if table)}
"""


COST = {
    AISLE: "one graph with its features; minutes of training on two cores",
    TREES: "as good or two percent behind; a second runtime, its features outside the graph, no embeddings of ids",
    "TIFU-KNN": "vectors of all shoppers held in memory and searched for each answer",
    "UP-CF": "vectors of all shoppers held in memory, likewise",
    "logistic": "nothing to operate: eight numbers",
    "decayed frequency": "nothing to operate; the first thing to build",
    "item-kNN": "a table of neighbours, rebuilt each night",
    "EASE": "a matrix of the head of the catalog squared",
    "iALS": "factors of all items held in memory, the shopper's solved for each answer",
    TUTORIAL: "a vector for each shopper and item: who is new gets what is popular until the next training",
    "popularity": "nothing to operate; the same list for all",
}
"""What each alternative asks of those who run it."""


def alternatives(result: dict[str, Any], latency: dict[str, Any]) -> str:
    """What was measured instead of Aisle at the last cut, and what it would have cost to run: for docs/design.md.

    latency: of benchmarks/serving/latency.py; a ranker that is not in it has a dash.
    """
    cut = result["cuts"][-1]
    paired = cut["paired"]["ndcg@10"]["against"]
    rows = []
    for name in _sorted([cut]):
        if name in COST:
            lead = "–" if name == AISLE else interval(paired[name])
            fit = cut["about"].get(name, {}).get("seconds")
            answer = latency["rankers"].get(name)
            rows.append(
                [
                    _label(name),
                    _mean(cut, name, "ndcg@10"),
                    lead,
                    f"{fit:.0f} s" if fit else "–",
                    f"{answer['cpu_ms_p50']:.1f} ms" if answer else "–",
                    COST[name],
                ]
            )
    head = ["ranker", "ndcg@10", "Aisle over it, percent", "fitted in", "CPU of an answer", "to operate"]
    said = (
        f"Next baskets after {cut['cut']} ([all of them](quality.md)); answers one at a time, without a server, "
        "the median ([benchmarks/serving/latency.py](../benchmarks/serving/latency.py)); "
        "fitted in wall seconds, beside other work ([CPU](quality.md#results)); "
        "a dash was not measured:"
    )
    return f"{said}\n\n" + table(head, rows)


def _ranking(cuts: list[dict[str, Any]]) -> str:
    names = _sorted(cuts)
    head = [f"ndcg@10 {cut['cut']} | recall@10" for cut in cuts]
    rows = [
        [_label(name), *(f"{_mean(cut, name, 'ndcg@10')} | {_mean(cut, name, 'recall@10')}" for cut in cuts)]
        for name in names
    ]
    return table(["ranker", *head], rows, columns=1 + 2 * len(cuts))


def _comparison(cuts: list[dict[str, Any]]) -> str:
    rows = []
    for cut in cuts:
        for metric, paired in cut.get("paired", {}).items():
            trees = paired["against"].get(TREES)
            best = f"{interval(paired)}, {_label(paired['best_classical'])}"
            rows.append([cut["cut"], metric, best, interval(trees) if trees else "not measured"])
    if not rows:
        return ""
    title = "Aisle over the best classical ranker of that metric and over trees, percent, with 95 % intervals (paired "
    return f"{title}bootstrap over households):\n\n" + table(["cut", "metric", "best classical", "trees"], rows)


def _further(cut: dict[str, Any]) -> str:
    names = [name for name in _sorted([cut]) if not name.startswith(f"{AISLE}-")]
    rows = [[_label(name), *(_mean(cut, name, metric) for metric in FURTHER)] for name in names]
    return f"The other metrics, at {cut['cut']}:\n\n" + table(["ranker", *FURTHER], rows)


def _new_only(cuts: list[dict[str, Any]]) -> str:
    """Lists of what is new to the shopper: all rankers, then Aisle over popularity and over the best of them."""
    measured = [cut for cut in cuts if "new_only" in cut]
    if not measured:
        return ""
    found = {cut["cut"]: cut["new_only"]["models"] for cut in measured}
    names = sorted(
        {name for models in found.values() for name in models if not name.startswith(f"{AISLE}-")},
        key=lambda name: (-max(models[name][EXPLORE]["mean"] for models in found.values() if name in models), name),
    )
    rows = [
        [_label(name)]
        + [f"{models[name][EXPLORE]['mean']:.4f}" if name in models else "–" for models in found.values()]
        + [f"{models[name][COVERAGE]['mean']:.4f}" if name in models else "–" for models in found.values()]
        for name in names
    ]
    head = ["ranker", *(f"{EXPLORE} {cut}" for cut in found), *(f"{COVERAGE} {cut}" for cut in found)]
    over = []
    for cut in measured:
        paired = cut["new_only"]["paired"][EXPLORE]
        against = [interval(paired["against"][name]) for name in (POPULARITY, TREES) if name in paired["against"]]
        over.append([cut["cut"], f"{interval(paired)}, {_label(paired['best_classical'])}", *against])
    versus = ["cut", "best classical", "popularity", "trees"][: len(over[0])]
    return (
        f"Lists of what is new to the household alone (`new_only`), of every ranker:\n\n{table(head, rows)}\n\n"
        f"Aisle over the others in {EXPLORE} of these lists, percent, with 95 % intervals:\n\n{table(versus, over)}"
    )


def _union(cuts: list[dict[str, Any]]) -> str:
    measured = [cut for cut in cuts if "union_recall" in cut]
    if not measured:
        return ""
    sources = sorted({source for cut in measured for source in cut["sources"]})
    rows = [
        [cut["cut"], f"{cut['union_recall']:.3f}", f"{cut['candidates']:.0f} of {cut['candidates_limit']}"]
        + [_source(cut["sources"].get(source)) for source in sources]
        for cut in measured
    ]
    head = ["cut", "union recall", "candidates, at most", *(source.replace("_", " ") for source in sources)]
    title = (
        "Share of the basket among the candidates, mean over trips, and in brackets how many candidates a source adds"
    )
    return f"{title} (what several sources list counts for the first):\n\n" + table(head, rows)


def _seeds(cut: dict[str, Any]) -> str:
    seeds = cut.get("seeds", {})
    if not seeds or seeds["ndcg@10"]["seeds"] < 2:
        return ""
    said = ", ".join(
        f"{metric} {seeds[metric]['mean']:.4f} ({seeds[metric]['low']:.4f} to {seeds[metric]['high']:.4f})"
        for metric in ("ndcg@10", "recall@10", "explore_recall@10")
    )
    return f"Aisle trained with {seeds['ndcg@10']['seeds']} seeds at {cut['cut']}, mean and range: {said}."


def _cost(cuts: list[dict[str, Any]]) -> str:
    rows = []
    for cut in cuts:
        for name, step in ((AISLE, "aisle"), (TREES, "trees"), (TUTORIAL, "tutorial")):
            about = cut["about"].get(name)
            ended = next((one for key, one in cut["steps"].items() if key.startswith(f"{step}-")), None)
            if about and ended:
                cost = [f"{about['seconds']:.0f}", f"{about['peak_mb'] / 1000:.1f} GB"]
                cost += [f"{ended['cpu_s']:.0f}", f"{ended['other_cores']:.1f}"]
                rows.append([cut["cut"], _label(name), *cost])
    if not rows:
        return ""
    head = ["cut", "model", "seconds", "peak memory", "CPU seconds with its answers", "cores taken by others"]
    title = "Training, data in and model out, and how many cores other work took meanwhile"
    return f"{title}:\n\n{table(head, rows)}"


def _chosen(cut: dict[str, Any]) -> str:
    rows = [
        [
            _label(name),
            ", ".join(f"{key} {value:g}" for key, value in about["settings"].items()),
            str(len(about["tried"])),
        ]
        for name, about in cut["about"].items()
        if about.get("tried")
    ]
    return (
        f"Settings chosen at {cut['cut']}, before it:\n\n" + table(["ranker", "settings", "tried"], rows)
        if rows
        else ""
    )


def _sorted(cuts: list[dict[str, Any]]) -> list[str]:
    """All rankers but other seeds of Aisle, the best of the last cut that has them first."""
    names: dict[str, float] = {}
    for cut in cuts:
        names |= {name: model["ndcg@10"]["mean"] for name, model in cut["models"].items()}
    return sorted((name for name in names if not name.startswith(f"{AISLE}-")), key=lambda name: -names[name])


def _label(name: str) -> str:
    return {AISLE: "**Aisle**", TREES: "trees (LightGBM)"}.get(name, name)


def _mean(cut: dict[str, Any], name: str, metric: str) -> str:
    return f"{cut['models'][name][metric]['mean']:.4f}" if name in cut["models"] else "–"


def _source(found: dict[str, float] | None) -> str:
    return f"{found['recall']:.3f} ({found['candidates']:.0f})" if found else "–"
