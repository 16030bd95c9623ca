"""Why the model may go out, or may not."""

from collections.abc import Iterator, Sequence

from components.artifacts.verdict import Reason, Verdict
from components.reporting import number_format as words
from components.reporting.page_parts import Note, Section, Table
from pipelines.report.run_files import Sources
from pipelines.report.section_text import TEXTS

SHOWN = 4
"""Checks that did not pass listed above the table."""
NOTE = 200
"""Characters of a check's message above the table: with what more trips could show."""
LONGEST = 240
"""Characters of a check's message in the table; the verdict file has them all."""
TEXT = TEXTS["gate"]


def section(sources: Sources) -> Section | None:
    gate, verdict = sources.summary.gate, sources.verdict
    if not gate:
        return None
    groups: dict[str, list[Reason]] = {}
    for reason in sorted(verdict.reasons, key=lambda reason: (reason.passed, reason.unproven)):
        groups.setdefault(reason.group or "checks", []).append(reason)
    return TEXT.section(
        "gate",
        *_notes(verdict, gate.overridden),
        *(_table(group, reasons) for group, reasons in groups.items()),
        checks=len(verdict.reasons),
        failed=len(verdict.failed),
        unproven=len(verdict.unproven),
        needed=verdict.trips_needed,
        reasons=gate.reasons,
    )


def _notes(verdict: Verdict, overridden: bool) -> Iterator[Note]:
    shown, override = verdict.not_passed, verdict.override
    if verdict.override_refused:
        yield Note(word="refused", title="an override", text=verdict.override_refused, tone="warn")
    if overridden and override:
        text = f"{override.reason} Decided by {override.by} at {override.at}."
        yield Note(word="overridden", title="BLESSED BY OVERRIDE:", text=text, tone="bad")
    for reason in shown[:SHOWN]:
        word, tone = _mark(reason)
        yield Note(word=word, title=reason.check, text=words.shortened(reason.message, NOTE), tone=tone)
    if len(shown) > SHOWN:
        rest = words.count(len(shown) - SHOWN, "more check", "more checks")
        word, tone = _mark(shown[SHOWN])
        yield Note(word=word, title=rest, text="in the tables below", tone=tone)


def _mark(reason: Reason) -> tuple[str, str]:
    """Word and tone of a check that did not pass."""
    return ("not proven", "warn") if reason.unproven else ("no", "bad")


def _table(group: str, reasons: Sequence[Reason]) -> Table | None:
    """The checks of one kind, those that failed first."""
    marked = sum(not reason.passed for reason in reasons)
    failures = sum(not reason.passed and not reason.unproven for reason in reasons)
    rows = [
        (
            reason.check,
            "yes" if reason.passed else _mark(reason)[0],
            words.number(reason.value),
            words.number(reason.threshold),
            words.shortened(reason.message, LONGEST),
        )
        for reason in reasons
    ]
    open_checks = marked - failures
    return TEXT.table(
        "checks",
        rows,
        failed=range(marked),
        group=group,
        checks=len(reasons),
        failures=failures,
        unproven=open_checks,
    )
