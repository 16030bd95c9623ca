"""docs/reference/decisions.md: checks of the monitor, rules of retraining, transitions of a rollout; from the code."""

from collections.abc import Iterable

from components.monitor.checks.table import table as checks
from components.monitor.retraining.policy import table as retraining
from components.rollout.decision.guards import GUARDS
from components.rollout.decision.state_machine import COMMANDS, DECIDABLE, END_PERCENT
from components.rollout.decision.states import State
from pipelines.reference.schema_page import DOCS, table

PAGE = DOCS / "reference" / "decisions.md"


def transitions() -> list[tuple[str, str, str, str, str]]:
    """Every transition of a rollout: (state, on, action, state afterwards, canary's share afterwards)."""
    rows: list[tuple[str, str, str, str, str]] = []
    for state in DECIDABLE:
        for guard in GUARDS:
            if guard.action == "rollback":
                rows.append((state, f"{guard.name}: {guard.figure.__doc__}", "rollback", State.ROLLED_BACK, "0 %"))
            elif state == State.RUNNING:
                rows.append((state, f"{guard.name}: {guard.figure.__doc__}", "hold", state, "the same"))
    rows.append((State.RUNNING, "none of these, and a larger share in the plan", "step", State.RUNNING, "the next"))
    rows.append((State.RUNNING, "none of these, at 100 %", "promote", State.PROMOTED, "100 %"))
    rows.append((State.HELD, "none that rolls back", "hold", State.HELD, "the same"))
    for (state, order), after in COMMANDS.items():
        share = f"{END_PERCENT[after]} %" if after in END_PERCENT else "the same"
        rows.append((state, f"command: {order}", order, after, share))
    return rows


def merged(rows: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The rows with those that differ only in their first cell as one."""
    firsts: dict[tuple[str, ...], list[str]] = {}
    for first, *rest in rows:
        firsts.setdefault(tuple(rest), []).append(first)
    return [(", ".join(before), *rest) for rest, before in firsts.items()]


def page() -> str:
    """The page."""
    rows = {"checks": checks(), "retraining": retraining(), "transitions": merged(transitions())}
    return table("decisions", **rows) + "\n"
