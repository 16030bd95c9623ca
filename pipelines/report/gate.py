"""Why the model may go out, or may not."""

from typing import Any

from pipelines.report import words
from pipelines.report.page import Note, Section, Table
from pipelines.report.sources import Sources

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
    return Section(
        id="gate", title="The gate", lead=lead, notes=_notes(sources, failed), tables=_tables(reasons, len(failed))
    )


def _notes(sources: Sources, failed: list[dict[str, Any]]) -> tuple[Note, ...]:
    notes = [
        Note(word="no", title=reason["check"], text=words.shortened(reason["message"]), tone="bad")
        for reason in failed[:SHOWN]
    ]
    if len(failed) > SHOWN:
        rest = words.count(len(failed) - SHOWN, "more check", "more checks")
        notes.append(Note(word="no", title=rest, text="in the table below", tone="bad"))
    if sources.summary["gate"].get("overridden"):
        why = sources.verdict.get("override_reason", "")
        notes.append(Note(word="overridden", title="let through by hand", text=why, tone="warn"))
    return tuple(notes)


def _tables(reasons: list[dict[str, Any]], failed: int) -> tuple[Table, ...]:
    if not reasons:
        return ()
    return (
        Table(
            title=f"All {len(reasons)} checks, failed ones first" if failed else f"All {len(reasons)} checks",
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
        ),
    )
