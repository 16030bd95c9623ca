"""How fast the answers come, and where their milliseconds go."""

from components.artifacts.evaluation import Latency
from components.reporting import number_format as words
from components.reporting.charts import Key, Mark, Row, Rows
from components.reporting.page_parts import Section
from pipelines.local.summary import ServingSummary
from pipelines.report.run_files import Sources
from pipelines.report.section_text import TEXTS

TEXT = TEXTS["serving"]


def section(sources: Sources) -> Section | None:
    """Latency of the whole way and of the model alone, and the mean of each stage."""
    serving = sources.summary.serving or ServingSummary()
    ways = {"whole way": serving, "model alone": sources.evaluation.latency}
    rows = [row for way, latency in ways.items() if (row := _latency_row(way, latency))]
    if not rows:
        return None
    keys = (Key("dot", "new", "p50"), Key("ring", "new", "p99"))
    return TEXT.section(
        "serving",
        TEXT.figure("latency", Rows.over("Latency of one answer", rows, keys=keys, unit=" ms")),
        TEXT.figure("stages", _stages(serving.stages_ms) if serving.stages_ms else None),
        rps=serving.rps,
        cpu_ms=serving.cpu_ms_per_request,
    )


def _latency_row(way: str, latency: Latency) -> Row | None:
    if latency.p50_ms is None or latency.p99_ms is None:
        return None
    marks = (Mark("span", latency.p50_ms, latency.p99_ms), Mark("dot", latency.p50_ms), Mark("ring", latency.p99_ms))
    return Row(way, f"{words.milliseconds(latency.p50_ms)}, {words.milliseconds(latency.p99_ms)}", marks)


def _stages(stages: dict[str, float]) -> Rows:
    """The mean milliseconds of each stage, one after the other; stages without words keep their names, at the end."""
    names = TEXT.names["stages"]
    order = {name: n for n, name in enumerate(names)}
    total, begin, rows = sum(stages.values()), 0.0, []
    for name in sorted(stages, key=lambda name: order.get(name, len(order))):
        took = stages[name]
        value = f"{took:.2f}{words.HARD}ms, {100 * took / total:.0f}{words.HARD}%"
        rows.append(Row(names.get(name, name), value, [Mark("bar", begin, begin + took)]))
        begin += took
    return Rows.over(f"Where the mean of {words.milliseconds(total)} goes", rows, unit=" ms")
