"""How fast the answers come, and where their milliseconds go."""

from typing import Any

from components.reporting import number_format as words
from components.reporting.charts import Key, Mark, Row, Rows, Scale
from components.reporting.page_parts import Figure, Section
from pipelines.report.run_files import Sources

STAGES = {
    "state": "history from the store",
    "queue": "waiting for a thread",
    "retrieve": "towers and index",
    "rank": "candidates, features, scores",
    "rerank": "rules and answer",
}
"""Stages of the model server in the order of an answer, in words; others keep their names."""


def section(sources: Sources) -> Section | None:
    """Latency of the whole way and of the model alone, and the mean of each stage."""
    measured: dict[str, Any] = sources.summary.get("serving") or {}
    alone: dict[str, Any] = sources.metrics.get("latency") or {}
    ways = {"whole way": measured, "model alone": alone}
    known = {way: values for way, values in ways.items() if "p50_ms" in values and "p99_ms" in values}
    if not known:
        return None
    lead = ""
    if "rps" in measured and "cpu_ms_per_request" in measured:
        lead = (
            f"One client, one request after the other: {measured['rps']:,.0f} answers a second at "
            f"{measured['cpu_ms_per_request']:.1f} ms of CPU each."
        )
    figures = [
        Figure(
            caption=(
                "Half of the answers come by the dot, 99 of 100 by the ring; the whole way is Envoy, KServe, store and "
                "model."
            ),
            charts=(_latency(known),),
        )
    ]
    stages: dict[str, float] = measured.get("stages_ms") or {}
    if stages:
        caption = "One answer from left to right; each bar begins where the one before it ends."
        figures.append(Figure(caption=caption, charts=(_stages(stages),)))
    return Section(id="serving", title="Serving", lead=lead, figures=tuple(figures))


def _latency(known: dict[str, dict[str, Any]]) -> Rows:
    scale = Scale.over([values["p99_ms"] for values in known.values()])
    return Rows(
        title="Latency of one answer",
        rows=tuple(
            Row(
                label=way,
                marks=(
                    Mark(shape="span", x=scale.at(values["p50_ms"]), x2=scale.at(values["p99_ms"])),
                    Mark(shape="dot", x=scale.at(values["p50_ms"])),
                    Mark(shape="ring", x=scale.at(values["p99_ms"])),
                ),
                value=f"{words.milliseconds(values['p50_ms'])}, {words.milliseconds(values['p99_ms'])}",
            )
            for way, values in known.items()
        ),
        ticks=scale.ticks(" ms"),
        keys=(Key(shape="dot", tone="new", label="p50"), Key(shape="ring", tone="new", label="p99")),
    )


def _stages(stages: dict[str, float]) -> Rows:
    """The mean milliseconds of each stage, one after the other."""
    order = {name: n for n, name in enumerate(STAGES)}
    names = sorted(stages, key=lambda name: order.get(name, len(order)))
    total = sum(stages.values())
    scale, begin, rows = Scale.over([total]), 0.0, []
    for name in names:
        end = begin + stages[name]
        mark = Mark(shape="bar", x=scale.at(begin), x2=scale.at(end))
        share = 100 * stages[name] / total
        value = f"{stages[name]:.2f}{words.HARD}ms, {share:.0f}{words.HARD}%"
        rows.append(Row(label=STAGES.get(name, name), marks=(mark,), value=value))
        begin = end
    title = f"Where the mean of {words.milliseconds(total)} goes"
    return Rows(title=title, rows=tuple(rows), ticks=scale.ticks(" ms"))
