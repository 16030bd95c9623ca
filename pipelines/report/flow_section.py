"""The way from raw events to a serving model, with the time each stage took."""

from components.reporting import number_format as words
from components.reporting.page_parts import Band, Section, Stage
from pipelines.report.run_files import Sources

BANDS = {
    "Data": {
        "ingest": "any source to clean tables",
        "validate": "schema, anomalies, drift",
        "examples": "trips with the history before them",
    },
    "Model": {
        "train": "two towers, then a ranker",
        "baselines": "what it has to beat",
        "evaluate": "all of them on the same trips",
        "gate": "may it go out?",
        "push": "a versioned, sealed directory",
    },
    "Live": {
        "rollout": "a canary under replayed traffic",
        "monitor": "what was served, against training",
        "report": "this page",
    },
}


def section(sources: Sources) -> Section | None:
    seconds = sources.summary.seconds
    if not seconds:
        return None
    bands = tuple(
        Band(name=band, stages=tuple(_stage(sources, name, does, seconds.get(name)) for name, does in stages.items()))
        for band, stages in BANDS.items()
    )
    return Section(
        id="flow",
        title="The way of the data",
        lead="From raw events to live traffic, row by row; the times are what each stage took in this run.",
        bands=bands,
    )


def _stage(sources: Sources, name: str, does: str, seconds: float | None) -> Stage:
    gate, rollout = sources.summary.gate, sources.summary.rollout
    blessed = gate is None or gate.blessed
    if name == "report":
        return Stage(name=name, does=does, clock="")
    if name == "gate" and not blessed:
        return Stage(name=name, does="refused", clock=words.clock(seconds or 0.0), state="no")
    if name == "push" and not blessed:
        return Stage(name=name, does="nothing to push", clock="", state="skipped")
    if name == "rollout" and not (rollout and rollout.steps):
        return Stage(name=name, does="nothing to roll out", clock="", state="skipped")
    if seconds is None:
        return Stage(name=name, does=does, clock="not run", state="skipped")
    if seconds == 0:
        return Stage(name=name, does=does, clock="from the cache", state="cached")
    return Stage(name=name, does=does, clock=words.clock(seconds))
