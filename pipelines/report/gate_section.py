"""Why the model may go out, or may not."""

from collections.abc import Sequence

from components.artifacts.verdict import Reason
from components.reporting import number_format as words
from components.reporting.page_parts import Note, Section, Table
from pipelines.report.run_files import Sources

SHOWN = 4
"""Failed checks listed above the table."""
LONGEST = 240
"""Characters of a check's message in the table; the verdict file has them all."""


def section(sources: Sources) -> Section | None:
    gate = sources.summary.gate
    if not gate:
        return None
    reasons = sorted(sources.verdict.reasons, key=lambda reason: reason.passed)
    failed = sources.verdict.failed
    if not reasons:
        lead = "; ".join(gate.reasons)
    elif failed:
        lead = f"{len(failed)} of {len(reasons)} checks failed; one is enough to keep a model from shoppers."
    else:
        lead = f"All {len(reasons)} checks passed; one failed check would have kept the model from shoppers."
    notes = _notes(sources, overridden=gate.overridden)
    return Section(id="gate", title="The gate", lead=lead, notes=notes, tables=_tables(reasons))


def _notes(sources: Sources, overridden: bool) -> tuple[Note, ...]:
    verdict, failed = sources.verdict, sources.verdict.failed
    notes = [
        Note(word="no", title=reason.check, text=words.shortened(reason.message), tone="bad")
        for reason in failed[:SHOWN]
    ]
    if len(failed) > SHOWN:
        rest = words.count(len(failed) - SHOWN, "more check", "more checks")
        notes.append(Note(word="no", title=rest, text="in the tables below", tone="bad"))
    if overridden and verdict.override:
        override = verdict.override
        text = f"{override.reason} Decided by {override.by} at {override.at}."
        notes.insert(0, Note(word="overridden", title="BLESSED BY OVERRIDE:", text=text, tone="bad"))
    if verdict.override_refused:
        notes.insert(0, Note(word="refused", title="an override", text=verdict.override_refused, tone="warn"))
    return tuple(notes)


def _tables(reasons: Sequence[Reason]) -> tuple[Table, ...]:
    """A table a kind of check, those with a failed one first."""
    groups: dict[str, list[Reason]] = {}
    for reason in reasons:
        groups.setdefault(reason.group or "checks", []).append(reason)
    return tuple(_table(group, of_group) for group, of_group in groups.items())


def _table(group: str, reasons: Sequence[Reason]) -> Table:
    failed, all_ = sum(not reason.passed for reason in reasons), len(reasons)
    count = f"{failed} of {all_} failed" if failed else words.count(all_, "check", "checks") + " passed"
    return Table(
        title=f"{group[0].upper()}{group[1:]}: {count}",
        header=("check", "passed", "value", "limit", "what was compared"),
        rows=tuple(
            (
                reason.check,
                "yes" if reason.passed else "no",
                words.number(reason.value),
                words.number(reason.threshold),
                words.shortened(reason.message, LONGEST),
            )
            for reason in reasons
        ),
        numeric=(2, 3),
        failed=tuple(range(failed)),
    )
