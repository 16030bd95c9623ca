"""Why the model may go out, or may not."""

from typing import Any

from components.reporting import number_format as words
from components.reporting.page_parts import Note, Section, Table
from pipelines.report.run_files import Sources

SHOWN = 4
"""Failed checks told above the table."""
LONGEST = 240
"""Characters of a check's words in the table; the verdict file has them all."""


def section(sources: Sources) -> Section | None:
    gate = sources.summary.get("gate")
    if not gate:
        return None
    reasons: list[dict[str, Any]] = sorted(sources.verdict.get("reasons", []), key=lambda one: bool(one["passed"]))
    failed = [reason for reason in reasons if not reason["passed"]]
    if not reasons:
        lead = "; ".join(gate.get("reasons", []))
    elif failed:
        lead = f"{len(failed)} of {len(reasons)} checks said no; one is enough to keep a model from shoppers."
    else:
        lead = f"All {len(reasons)} checks passed; one failed check would have kept the model from shoppers."
    return Section(id="gate", title="The gate", lead=lead, notes=_notes(sources, failed), tables=_tables(reasons))


def _notes(sources: Sources, failed: list[dict[str, Any]]) -> tuple[Note, ...]:
    notes = [
        Note(word="no", title=reason["check"], text=words.shortened(reason["message"]), tone="bad")
        for reason in failed[:SHOWN]
    ]
    if len(failed) > SHOWN:
        rest = words.count(len(failed) - SHOWN, "more check", "more checks")
        notes.append(Note(word="no", title=rest, text="in the tables below", tone="bad"))
    override = sources.verdict.get("override") or {}
    if sources.summary["gate"].get("overridden"):
        text = f"{override.get('reason', '')} Decided by {override.get('by', '')} at {override.get('at', '')}."
        notes.insert(0, Note(word="overridden", title="LET THROUGH BY HAND:", text=text, tone="bad"))
    refused = sources.verdict.get("override_refused")
    if refused:
        notes.insert(0, Note(word="refused", title="an override", text=refused, tone="warn"))
    return tuple(notes)


def _tables(reasons: list[dict[str, Any]]) -> tuple[Table, ...]:
    """A table a kind of check, those with a failed one first."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for reason in reasons:
        groups.setdefault(reason.get("group") or "checks", []).append(reason)
    return tuple(_table(group, found) for group, found in groups.items())


def _table(group: str, reasons: list[dict[str, Any]]) -> Table:
    failed, all_ = sum(not reason["passed"] for reason in reasons), len(reasons)
    count = f"{failed} of {all_} said no" if failed else words.count(all_, "check", "checks") + " passed"
    return Table(
        title=f"{group[0].upper()}{group[1:]}: {count}",
        header=("check", "passed", "value", "limit", "what was compared"),
        rows=tuple(
            (
                reason["check"],
                "yes" if reason["passed"] else "no",
                words.number(reason["value"]),
                words.number(reason["threshold"]),
                words.shortened(reason["message"], LONGEST),
            )
            for reason in reasons
        ),
        numeric=(2, 3),
        failed=tuple(range(failed)),
    )
