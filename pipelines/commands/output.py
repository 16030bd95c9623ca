"""The last lines of a run: what happened, where to look, what to try next."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.rollout.local.status_file import Status

if TYPE_CHECKING:
    from components.rollout.kserve.cluster_rollout import Seen
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
        f"{s['declared_percent']} % declared {s['observed_shopper_percent']:.1f} % observed" for s in rollout.steps
    )
    end, failed = rollout.final_state.replace("_", " "), rollout.failed_requests
    yield f"Rollout: {end}; {steps or 'no steps'}; {failed} failed requests"
    yield f"Report: {out / 'report.html'}    summary: {out / 'summary.json'}"
    yield ""
    yield "Next:"
    yield f"  .venv/bin/aisle serve --run {out}             # the model in production, over KServe's v2 protocol"
    yield f"  .venv/bin/aisle rollout status --run {out}    # every step of the canary and why it was taken"
    yield "  .venv/bin/aisle demo --data DIR --out build/mine    # the same on your own tables (README: Your own data)"


def status_lines(status: Status) -> Iterator[str]:
    """Lines of `aisle rollout status`."""
    before = f"  previous {status.previous}" if status.previous else ""
    yield f"stable {status.stable}  canary {status.canary}  {status.state} at {status.percent} %{before}"
    for step in status.steps:
        yield step_line(step)
    for entry in status.history:
        yield f"  {entry['time']}  {entry['event']}"


def step_line(step: dict[str, Any]) -> str:
    """One step of the machine: what was declared and seen, and what was decided why."""
    return (
        f"  {step['declared_percent']:3d} % declared, {step['observed_shopper_percent']:.1f} % of shoppers "
        f"observed, {step['requests']} requests, {step['failed_requests']} failed: "
        f"{step['decision']} ({'; '.join(step['reasons'])})"
    )


def cluster_line(seen: "Seen") -> str:
    """The rollout on a cluster: roles, state, share, and what was done last."""
    traffic = seen.traffic
    versions = {"stable": traffic.stable, "canary": traffic.canary, "previous": traffic.previous}
    roles = "  ".join(f"{role} {version.name}" for role, version in versions.items() if version is not None)
    share = f" at {traffic.percent} %" if traffic.canary else ""
    return f"{roles}  {seen.state.replace('_', ' ')}{share}  {seen.note}".rstrip()
