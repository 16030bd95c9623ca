"""Lines for the terminal at the end of a run, and about a rollout."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from components.rollout.rollout_record import RolloutRecord, StepRecord

if TYPE_CHECKING:
    from pipelines.local.summary import Summary


def closing_lines(summary: "Summary", out: Path) -> Iterator[str]:
    """Lines for the terminal after a demo."""
    data, gate, rollout = summary.data, summary.gate, summary.rollout
    assert data and gate and rollout, "of a demo that came to its end"
    yield ""
    yield (
        f"{data.rows:,} purchases of {data.users:,} shoppers, split at {data.cut}; "
        f"judged on {summary.judged_trips or 0:,} next baskets:"
    )
    means = {name: (values["recall@10"] or 0.0, values["ndcg@10"] or 0.0) for name, values in summary.quality.items()}
    for name, (recall, ndcg) in sorted(means.items(), key=lambda item: -item[1][1]):
        yield f"  {name:20} recall@10 {recall:.4f}  ndcg@10 {ndcg:.4f}"
    verdict = "blessed" if gate.blessed else "NOT blessed, the stable model stays"
    if gate.overridden and gate.override:
        verdict = f"BLESSED BY OVERRIDE of {gate.override.by}, {gate.override.reason}"
    yield f"Gate: {verdict}: {'; '.join(gate.reasons[:3])}"
    steps = ", ".join(
        f"{step.declared_percent} % declared {step.observed_shopper_percent:.1f} % observed" for step in rollout.steps
    )
    end, failed = rollout.final_state.replace("_", " "), rollout.failed_requests
    yield f"Rollout: {end}; {steps or 'no steps'}; {failed} failed requests"
    yield f"Report: {out / 'report.html'}    summary: {out / 'summary.json'}"
    yield ""
    yield "Next:"
    yield f"  .venv/bin/aisle serve --run {out}             # the stable model, over KServe's v2 protocol"
    yield f"  .venv/bin/aisle rollout status --run {out}    # every step of the canary and why it was taken"
    yield "  .venv/bin/aisle demo --data DIR --out build/mine    # the same on your own tables (README: Your own data)"


def record_lines(record: RolloutRecord) -> Iterator[str]:
    """The steps and the history of a rollout on this machine."""
    yield from map(step_line, record.steps)
    for entry in record.history:
        yield f"  {entry.time}  {entry.event}"


def step_line(step: StepRecord) -> str:
    """One step of the rollout: declared and observed share, decision and reasons."""
    return (
        f"  {step.declared_percent:3d} % declared, {step.observed_shopper_percent:.1f} % of shoppers "
        f"observed, {step.requests} requests, {step.failed_requests} failed: "
        f"{step.decision} ({'; '.join(step.reasons)})"
    )
