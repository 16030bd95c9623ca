"""The gate: may this candidate be pushed? A pure function of the evaluation, the settings and the expected data.

Only a yes to every check is a yes: whatever is missing, not a number, or about other data is a no with its reason.
"""

import dataclasses
from typing import Any

from components.gate import checks
from components.gate.checks import Expected, Missing, Reason
from tfx_configs.settings import GateSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """`passed`: every check did. `blessed`: passed, or overridden by a person who said why."""

    blessed: bool
    passed: bool
    override_reason: str
    reasons: tuple[Reason, ...]

    @property
    def overridden(self) -> bool:
        """Blessed although a check failed."""
        return self.blessed and not self.passed

    def to_dict(self) -> dict[str, Any]:
        """As it is stored in verdict.json."""
        return {**dataclasses.asdict(self), "overridden": self.overridden}


def decide(metrics: dict[str, Any], settings: GateSettings, expected: Expected, override_reason: str = "") -> Verdict:
    """Judges one evaluation.

    Args:
        metrics: metrics.json of the evaluate stage; {} when there is none.
        override_reason: blesses in spite of failed checks, which stay in the verdict; blank means no override.
    """
    reasons: list[Reason] = []
    for check in checks.ALL:
        try:
            reasons += check(metrics, settings, expected)
        except (Missing, TypeError) as error:  # TypeError: a list or an object where a name or a number should be
            reasons.append(Reason(check=check.__name__.replace("_", " "), passed=False, message=str(error)))
    passed = all(reason.passed for reason in reasons)
    override = override_reason.strip()
    return Verdict(blessed=passed or bool(override), passed=passed, override_reason=override, reasons=tuple(reasons))


def as_markdown(verdict: Verdict) -> str:
    """A table of the checks, failed ones first."""
    rows = sorted(verdict.reasons, key=lambda reason: reason.passed)
    lines = [f"# {headline(verdict)}", "", "| | check | value | threshold | |", "|---|---|---|---|---|"]
    lines += [
        f"| {_mark(r)} | {r.check} | {_text(r.value)} | {_text(r.threshold)} | {_cell(r.message)} |" for r in rows
    ]
    return "\n".join(lines) + "\n"


def headline(verdict: Verdict) -> str:
    """The verdict in one line; an override cannot be overlooked."""
    failed = [reason.check for reason in verdict.reasons if not reason.passed]
    if verdict.overridden:
        return f"BLESSED BY OVERRIDE ({verdict.override_reason}) although these checks failed: {', '.join(failed)}"
    if verdict.blessed:
        return f"Blessed: all {len(verdict.reasons)} checks passed"
    return f"Not blessed: {len(failed)} of {len(verdict.reasons)} checks failed: {', '.join(failed)}"


def _mark(reason: Reason) -> str:
    return "yes" if reason.passed else "**NO**"


def _text(number: float | None) -> str:
    return "" if number is None else f"{number:.5g}"


def _cell(message: str) -> str:
    return message.replace("|", "/").replace("\n", " ")
