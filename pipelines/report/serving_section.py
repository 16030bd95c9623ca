"""How fast the answers come, and where their milliseconds go."""

from components.artifacts.evaluation import Latency
from components.reporting import number_format as words
from components.reporting.charts import Key, Mark, Row, Rows, Scale
from components.reporting.page_parts import Figure, Section
from pipelines.local.summary import ServingSummary
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
    serving = sources.summary.serving or ServingSummary()
    measured = {"whole way": _quantiles(serving), "model alone": _quantiles(sources.evaluation.latency)}
    ways = {way: quantiles for way, quantiles in measured.items() if quantiles}
    if not ways:
        return None
    lead = ""
    if serving.rps is not None and serving.cpu_ms_per_request is not None:
        lead = (
            f"One client, one request after the other: {serving.rps:,.0f} answers a second at "
            f"{serving.cpu_ms_per_request:.1f} ms of CPU each."
        )
    caption = (
        "Half of the answers come by the dot, 99 of 100 by the ring; the whole way is Envoy, KServe, store and model."
    )
    figures = [Figure(caption=caption, charts=(_latency(ways),))]
    if serving.stages_ms:
        caption = "One answer from left to right; each bar begins where the one before it ends."
        figures.append(Figure(caption=caption, charts=(_stages(serving.stages_ms),)))
    return Section(id="serving", title="Serving", lead=lead, figures=tuple(figures))


def _quantiles(latency: Latency) -> tuple[float, float] | None:
    """(p50, p99) of an answer, milliseconds."""
    return None if latency.p50_ms is None or latency.p99_ms is None else (latency.p50_ms, latency.p99_ms)


def _latency(ways: dict[str, tuple[float, float]]) -> Rows:
    scale = Scale.over([p99_ms for _, p99_ms in ways.values()])
    return Rows(
        title="Latency of one answer",
        rows=tuple(
            Row(
                label=way,
                marks=(
                    Mark(shape="span", x=scale.at(p50_ms), x2=scale.at(p99_ms)),
                    Mark(shape="dot", x=scale.at(p50_ms)),
                    Mark(shape="ring", x=scale.at(p99_ms)),
                ),
                value=f"{words.milliseconds(p50_ms)}, {words.milliseconds(p99_ms)}",
            )
            for way, (p50_ms, p99_ms) in ways.items()
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
