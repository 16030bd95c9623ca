"""Writes the report."""

import re
from pathlib import Path

from components.reporting import number_format as words
from components.reporting.html_page import render
from components.reporting.page_parts import Page
from model.files import write_text
from pipelines.report import (
    calibration_section,
    data_section,
    flow_section,
    gate_section,
    headline_section,
    monitoring_section,
    quality_section,
    rollout_section,
    serving_section,
    sources_section,
    training_section,
)
from pipelines.report.run_files import Sources

SECTIONS = (
    flow_section.section,
    quality_section.section,
    sources_section.section,
    quality_section.slices,
    calibration_section.section,
    gate_section.section,
    rollout_section.section,
    monitoring_section.section,
    data_section.section,
    training_section.section,
    serving_section.section,
)
NOTICES = {"complete_journey": "The Complete Journey is simulated from real patterns, for education."}


def write_report(path: Path, sources: Sources) -> None:
    """Writes one HTML file that needs no network and no script, in one step; parts without a source are left out."""
    write_text(path, render(build(sources)))


def build(sources: Sources) -> Page:
    """The page as data."""
    sentence, tone = headline_section.headline(sources)
    sections = (section(sources) for section in SECTIONS)
    return Page(
        title="Aisle: report of a run",
        subject="report of a run",
        navigation=True,
        headline=sentence,
        lead=_about(sources),
        tone=tone,
        figures=headline_section.key_figures(sources),
        sections=tuple(section for section in sections if section),
        facts=_facts(sources),
        notice=NOTICES.get(sources.ingest.source, "") if sources.ingest else "",
    )


def lost_sections(path: Path, sources: Sources) -> list[str]:
    """Ids of the sections that the report at `path` has and one from `sources` would lack."""
    existing = re.findall(r'<section id="([^"]+)"', path.read_text(encoding="utf-8")) if path.is_file() else []
    fresh = {section.id for section in build(sources).sections}
    return [section for section in existing if section not in fresh]


def _about(sources: Sources) -> str:
    """Which model, of which data."""
    summary, source = sources.summary, sources.ingest.source if sources.ingest else ""
    parts = [f"Model {summary.model}"] if summary.model else []
    if data := summary.data:
        of = "The Complete Journey: " if source == "complete_journey" else ""
        parts.append(f"{of}{data.rows:,} events of {data.users:,} shoppers, judged from {data.cut} on")
    return ". ".join(parts) + "." if parts else ""


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
