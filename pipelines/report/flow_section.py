"""The way from raw events to a serving model, with the time each stage took."""

import dataclasses

from components.reporting import number_format as words
from components.reporting.page_parts import Band, Section, Stage
from pipelines.report.run_files import Sources
from pipelines.report.section_text import TEXTS


def section(sources: Sources) -> Section | None:
    text = TEXTS["flow"]
    if not sources.summary.seconds:
        return None
    bands = tuple(
        Band(name=band, stages=tuple(_stage(sources, name, does) for name, does in stages.items()))
        for band, stages in text.names.items()
    )
    return dataclasses.replace(text.section("flow"), bands=bands)


def _stage(sources: Sources, name: str, does: str) -> Stage:
    gate, rollout = sources.summary.gate, sources.summary.rollout
    blessed, seconds = gate is None or gate.blessed, sources.summary.seconds.get(name)
    if name == "report":
        return Stage(name=name, does=does, clock="")
    if name == "gate" and not blessed:
        refused = "not proven" if gate and gate.answer == "not_proven" else "refused"
        return Stage(name=name, does=refused, clock=words.clock(seconds or 0.0), state="no")
    if name == "push" and not blessed:
        return Stage(name=name, does="nothing to push", clock="", state="skipped")
    if name == "rollout" and not (rollout and rollout.steps):
        return Stage(name=name, does="nothing to roll out", clock="", state="skipped")
    if seconds is None:
        return Stage(name=name, does=does, clock="not run", state="skipped")
    if seconds == 0:
        return Stage(name=name, does=does, clock="from the cache", state="cached")
    return Stage(name=name, does=does, clock=words.clock(seconds))
