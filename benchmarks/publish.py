"""Copies results to benchmarks/results and writes the figures of the README from them; a test compares the two.

`python -m benchmarks.publish` after `make bench` or any of its parts.
"""

import re
from pathlib import Path
from typing import Any

from model.files import read_json, write_json, write_text

ROOT = Path(__file__).resolve().parent.parent
FRESH, KEPT = ROOT / "build" / "bench", ROOT / "benchmarks" / "results"


def main() -> None:
    for path in sorted(FRESH.glob("*.json")):
        write_json(KEPT / path.name, read_json(path))
        print(f"kept {path.name}")
    readme = ROOT / "README.md"
    write_text(readme, filled(readme.read_text()))


def filled(text: str) -> str:
    """The text with every results section rewritten from benchmarks/results."""

    def section(match: re.Match[str]) -> str:
        name = match["name"]
        return f"<!-- results:{name} -->\n{SECTIONS[name](read_json(KEPT / f'{name}.json'))}\n<!-- /results -->"

    return re.sub(r"<!-- results:(?P<name>\w+) -->\n.*?<!-- /results -->", section, text, flags=re.DOTALL)


def demo(result: dict[str, Any]) -> str:
    """Quality, rollout and cost of one demo."""
    rows = [
        f"| {name.replace('_', ' ')} | {q['recall@10']:.4f} | {q['ndcg@10']:.4f} | {q['phr@10']:.3f} |"
        for name, q in sorted(result["quality"].items(), key=lambda item: -item[1]["ndcg@10"])
    ]
    lead = result["paired"]["personal_frequency"]
    cold, cached = result["runs"]
    steps = ", ".join(
        f"{s['declared_percent']} % declared and {s['observed_shopper_percent']:.1f} % observed"
        for s in result["rollout"]["steps"]
    )
    table = "\n".join(["| ranker | recall@10 | ndcg@10 | a hit in ten |", "|---|---|---|---|", *rows])
    return f"""
One run on {result["hardware"]["cores"]} cores ([benchmarks/demo.py](benchmarks/demo.py), \
[result](benchmarks/results/demo.json)): next baskets of {result["judged_trips"]:,} households after \
{result["data"]["cut"]}, all {result["data"]["catalog_items"]:,} products ranked.

{table}

Against personal frequency on the same trips, with 95 % intervals over households: \
recall@10 {_interval(lead["recall@10"])}, ndcg@10 {_interval(lead["ndcg@10"])}.
Rollout: {result["rollout"]["final_state"]}; {steps}; {result["rollout"]["failed_requests"]} failed requests.
Time on a clean clone: {_minutes(result["setup"])} to install both environments, {_minutes(cold)} for the first run, \
{_minutes(cached)} for the next, with its cache; at most \
{max(cold["peak_mb"], cached["peak_mb"]) / 1000:.1f} GB of memory.
"""


def labels(result: dict[str, Any]) -> str:
    """What each label policy changes, against training without one."""
    rows = []
    for name, found in sorted(result["policies"].items(), key=lambda item: (not item[0].startswith("none"), item[0])):
        changed = found["changed"]
        fewer = sum(changed[reason] for reason in ("lines_gift", "lines_quantity", "lines_returned"))
        against = found["against_none"]["ndcg@10"]
        compared = _interval(against) if name != "none" else ""
        values = " | ".join(
            f"{found['metrics'][metric]:.4f}" for metric in ("ndcg@10", "recall@10", "explore_recall@10")
        )
        rows.append(
            f"| {name} | {found['train_trips']:,} | {changed['lines_late'] - fewer:+,} | {values} | {compared} |"
        )
    head = "| policy | training trips | labels | ndcg@10 | recall@10 | explore recall@10 | ndcg@10 against none |"
    table = "\n".join([head, "|---|---|---|---|---|---|---|", *rows])
    return f"""
Next baskets of {result["trips"]:,} households from {result["span"]["first"][:10]} on, measured on \
{result["measured"][:10]} ([benchmarks/labels.py](../benchmarks/labels.py), \
[result](../benchmarks/results/labels.json)). Labels: how many more or fewer the training trips have. The last column \
has 95 % intervals over households; each policy was trained once, and another seed moves it too.

{table}
"""


def _interval(found: dict[str, float]) -> str:
    return f"{found['delta_pct']:+.1f} % ({found['low_pct']:+.1f} to {found['high_pct']:+.1f})"


def _minutes(run: dict[str, Any]) -> str:
    return f"{run['seconds'] / 60:.1f} minutes"


SECTIONS = {"demo": demo, "labels": labels}


if __name__ == "__main__":
    main()
