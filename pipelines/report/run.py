"""Writes the report."""

import re
from pathlib import Path

from components.reporting import number_format as words
from components.reporting.html_page import render
from components.reporting.page_parts import Page
from model.files import write_text
from pipelines.report import calibration_section as calibration
from pipelines.report import data_section as data
from pipelines.report import flow_section as flow
from pipelines.report import gate_section as gate
from pipelines.report import headline_section as headline
from pipelines.report import monitoring_section as monitoring
from pipelines.report import quality_section as quality
from pipelines.report import rollout_section as rollout
from pipelines.report import serving_section as serving
from pipelines.report import sources_section as parts
from pipelines.report import training_section as training
from pipelines.report.run_files import Sources

SECTIONS = (
    flow.section,
    quality.section,
    parts.section,
    quality.slices,
    calibration.section,
    gate.section,
    rollout.section,
    monitoring.section,
    data.section,
    training.section,
    serving.section,
)
NOTICES = {"complete_journey": "The Complete Journey is simulated from real patterns, for education."}


def write_report(path: Path, sources: Sources) -> None:
    """Writes one HTML file that needs no network and no script, in one step; parts without a source are left out."""
    write_text(path, render(build(sources)))


def build(sources: Sources) -> Page:
    """The page as data."""
    sentence, tone = headline.headline(sources)
    sections = (section(sources) for section in SECTIONS)
    return Page(
        title="Aisle: report of a run",
        subject="report of a run",
        navigation=True,
        headline=sentence,
        tone=tone,
        figures=headline.key_figures(sources),
        sections=tuple(section for section in sections if section),
        facts=_facts(sources),
        notice=NOTICES.get(sources.ingest.source, "") if sources.ingest else "",
    )


def lost_sections(path: Path, sources: Sources) -> list[str]:
    """Ids of the sections that the report at `path` has and one from `sources` would lack."""
    existing = re.findall(r'<section id="([^"]+)"', path.read_text(encoding="utf-8")) if path.is_file() else []
    fresh = {section.id for section in build(sources).sections}
    return [section for section in existing if section not in fresh]


def _facts(sources: Sources) -> tuple[tuple[str, str], ...]:
    """Which model, judged on what, made with what."""
    summary = sources.summary
    facts = {
        "model": summary.model,
        "stable before": summary.stable_before,
        "cut date": summary.data.cut if summary.data else "",
        "code version": sources.verdict.code_version,
        "data digest": sources.verdict.digest[:16],
        "libraries": ", ".join(f"{name} {version}" for name, version in sources.libraries.items()),
    }
    return tuple((words.name(name), str(value)) for name, value in facts.items() if value)
