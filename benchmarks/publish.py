"""Copies results to benchmarks/results and writes the figures of the README and docs from them; a test compares them.

`python -m benchmarks.publish` after `make bench` or any of its parts.
"""

import re
from pathlib import Path
from typing import Any

from benchmarks.ablation.page import ablation
from benchmarks.cadence.refresh_page import refresh
from benchmarks.monitoring.page import cadence, monitoring, offpolicy
from benchmarks.quality.page import alternatives, quality
from benchmarks.rerank.page import rerank
from benchmarks.robustness.page import noise
from benchmarks.rollout.page import rollout
from benchmarks.serving.capacity_page import capacity
from benchmarks.serving.fuzz_page import fuzz
from benchmarks.serving.page import serving, soak
from model.files import read_json, write_json, write_text

ROOT = Path(__file__).resolve().parent.parent
FRESH, KEPT = ROOT / "build" / "bench", ROOT / "benchmarks" / "results"
CADENCE = FRESH / "cadence" / "cadence.svg"


def main() -> None:
    for path in sorted(FRESH.glob("*.json")):
        if path.stem in {READ_FROM.get(name, name) for name in SECTIONS} | ONLY_FIGURES:
            write_json(KEPT / path.name, read_json(path))
            print(f"kept {path.name}")
    if CADENCE.exists():
        (ROOT / "docs" / "images" / CADENCE.name).write_bytes(CADENCE.read_bytes())
    for page in pages():
        write_text(page, filled(page.read_text()))


def pages() -> list[Path]:
    """The files with results sections in them, or without."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def filled(text: str) -> str:
    """The text with every results section and every single figure rewritten from benchmarks/results.

    A figure is written `<!-- figure:FILE/KEY/... FORMAT -->` and ends with `<!-- /figure -->`; a key of a list is its
    position, and the format is Python's.
    """

    def section(match: re.Match[str]) -> str:
        name = match["name"]
        result = read_json(KEPT / f"{READ_FROM.get(name, name)}.json")
        return f"<!-- results:{name} -->\n{SECTIONS[name](result)}\n<!-- /results -->"

    def figure(match: re.Match[str]) -> str:
        name, *keys = match["path"].split("/")
        found: Any = read_json(KEPT / f"{name}.json")
        for key in keys:
            found = found[int(key) if isinstance(found, list) else key]
        return f"<!-- figure:{match['path']} {match['form']} -->{found:{match['form']}}<!-- /figure -->"

    text = re.sub(r"<!-- results:(?P<name>\w+) -->\n.*?<!-- /results -->", section, text, flags=re.DOTALL)
    return re.sub(r"<!-- figure:(?P<path>.+?) (?P<form>\S+) -->.*?<!-- /figure -->", figure, text)


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
One run on {result["hardware"]["cores"]} cores ([benchmarks/demo/__main__.py](benchmarks/demo/__main__.py), \
[result](benchmarks/results/demo.json)): next baskets of {result["judged_trips"]:,} households after \
{result["data"]["cut"]}, any product bought before that day may be in the ten.

{table}

Against personal frequency on the same trips, with 95 % intervals over households: \
recall@10 {_interval(lead["recall@10"])}, ndcg@10 {_interval(lead["ndcg@10"])}.
Rollout: {result["rollout"]["final_state"]}; {steps}; {result["rollout"]["failed_requests"]} failed requests.
Time on a clean clone: {_minutes(result["setup"])} to install both environments, {_minutes(cold)} for the first run, \
{_minutes(cached)} for the next, with its cache; at most \
{max(cold["peak_mb"], cached["peak_mb"]) / 1000:.1f} GB of memory.
"""


def data(result: dict[str, Any]) -> str:
    """Speed and memory of the way from files to trips, and what validation catches."""
    table = [
        "| engine | data | source rows | seconds | rows a second | CPU seconds | peak memory |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {run['engine']} | {run['scale']}x | {run['rows']:,} | {run['seconds']:.0f} | {run['rows_per_s']:,} "
            f"| {run['cpu_s']:.0f} | {run['peak_mb'] / 1000:.1f} GB |"
            for run in sorted(result["runs"], key=lambda run: (run["scale"], run["seconds"]))
        ),
        *(
            f"| {run['engine']} | {run['scale']}x | {run['rows']:,} | ended after {run['ended_after_s']:.0f} | "
            f"| {run['cpu_s']:.0f} | over {run['limit_mb'] / 1000:.0f} GB |"
            for run in result["unfinished"]
        ),
    ]
    stages = "; ".join(
        f"{stage['scale']}x {stage['seconds']:.0f} s and {stage['peak_mb'] / 1000:.1f} GB"
        for stage in result["examples_stage"]
    )
    cores = max(run["other_cores"] for run in [*result["runs"], *result["unfinished"], *result["examples_stage"]])
    shared = f" Other work took up to {cores:.1f} of them meanwhile." if cores >= 0.1 else ""
    cpu_s = {run["scale"]: run["cpu_s"] for run in result["runs"] if run["engine"] == "duckdb"}
    growth = ", ".join(f"{cpu_s[scale] / cpu_s[1]:.1f} times at {scale}x" for scale in cpu_s if scale > 1)
    tfdv = result["tfdv"]
    return f"""
On {result["hardware"]["cores"]} cores with {result["hardware"]["memory_gb"]:.0f} GB \
([benchmarks/data/__main__.py](../benchmarks/data/__main__.py), \
[result](../benchmarks/results/data.json)), the median of three runs at 1x, one run elsewhere.{shared} \
Engines in one scale wrote equal rows.

{chr(10).join(table)}

DuckDB's CPU time grows with the data: {growth} that of 1x.

The whole examples stage (trips, leakage checks, catalog, labels) on DuckDB's tables: {stages}.

Validation catches {tfdv["corruptions_caught"]} of {tfdv["corruptions_total"]} planted corruptions; of \
{tfdv["clean_spans"]} clean spans (single weeks, and 13 weeks) it stops {tfdv["false_stops"]}.
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
{result["measured"][:10]} ([benchmarks/robustness/labels.py](../benchmarks/robustness/labels.py), \
[result](../benchmarks/results/labels.json)). Labels: how many more or fewer the training trips have. The last column \
has 95 % intervals over households; each policy was trained once, and another seed moves it too.

{table}
"""


def calibration(result: dict[str, Any]) -> str:
    """What a score is worth, with and without the fitted line."""
    rows = [
        f"| {cut['cut']} | {cut['sampling_only']['error']:.4f} | {cut['sampling_only']['ratio']:.2f} "
        f"| {cut['platt']['error']:.4f} | {cut['platt']['ratio']:.2f} | {cut['chance_error']:.4f} "
        f"| {cut['line']['slope']:.2f}, {cut['line']['offset']:+.2f} |"
        for cut in result["cuts"]
    ]
    head = "| cut | error, sampling undone only | ratio | error, as exported | ratio | error by chance alone | line |"
    table = "\n".join([head, "|---|---|---|---|---|---|---|", *rows])
    return f"""
calibration_error@10 and calibration_ratio@10 on the judged trips, measured on {result["measured"][:10]} \
([benchmarks/robustness/calibration.py](../benchmarks/robustness/calibration.py), \
[result](../benchmarks/results/calibration.json)). \
By chance: the error of scores that are true by construction, on as many trips.

{table}
"""


def _interval(found: dict[str, float]) -> str:
    return f"{found['delta_pct']:+.1f} % ({found['low_pct']:+.1f} to {found['high_pct']:+.1f})"


def _minutes(run: dict[str, Any]) -> str:
    return f"{run['seconds'] / 60:.1f} minutes"


def _alternatives(result: dict[str, Any]) -> str:
    return alternatives(result, read_json(KEPT / "latency.json"))


def _capacity(result: dict[str, Any]) -> str:
    return capacity(result, read_json(KEPT / "demo.json"))


READ_FROM = {"alternatives": "quality", "capacity": "serving"}
"""Sections that are told from a result of another name."""
ONLY_FIGURES = {"experiment", "latency", "shipping"}
"""Results that pages tell without a section."""
SECTIONS = {
    "ablation": ablation,
    "alternatives": _alternatives,
    "cadence": cadence,
    "calibration": calibration,
    "capacity": _capacity,
    "data": data,
    "demo": demo,
    "fuzz": fuzz,
    "labels": labels,
    "monitoring": monitoring,
    "noise": noise,
    "offpolicy": offpolicy,
    "quality": quality,
    "refresh": refresh,
    "rerank": rerank,
    "rollout": rollout,
    "serving": serving,
    "soak": soak,
}


if __name__ == "__main__":
    main()
