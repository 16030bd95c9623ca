"""The gate: may this candidate be pushed? A pure function of the evaluation, the settings and the expected data.

Only a yes to every check is a yes: whatever is missing, not a number, or about other data is a no with its reason.
"""

import dataclasses
from typing import Any

from components.gate.checks import GROUPS
from components.gate.criteria import Expected, Missing, Reason
from components.gate.override import Override
from tfx_configs.settings import GateSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """`passed`: every check did. `blessed`: passed, or overridden by a person who said why."""

    blessed: bool
    passed: bool
    override: Override | None
    """What was asked for, needed or not."""
    reasons: tuple[Reason, ...]

    @property
    def overridden(self) -> bool:
        """Blessed although a check failed."""
        return self.blessed and not self.passed

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the checks that said no."""
        return tuple(reason.check for reason in self.reasons if not reason.passed)

    def to_dict(self) -> dict[str, Any]:
        """As it is stored in verdict.json; `override` says which checks it overruled."""
        override = dataclasses.asdict(self.override) | {"checks": self.failed} if self.override else None
        return {**dataclasses.asdict(self), "overridden": self.overridden, "override": override}


def decide(
    metrics: dict[str, Any], settings: GateSettings, expected: Expected, override: Override | None = None
) -> Verdict:
    """Judges one evaluation.

    Args:
        metrics: metrics.json of the evaluate stage; {} when there is none.
        override: blesses in spite of failed checks, which stay in the verdict.
    """
    reasons: list[Reason] = []
    for group, checks in GROUPS.items():
        for check in checks:
            try:
                found = check(metrics, settings, expected)
            except (Missing, TypeError) as error:  # TypeError: a list or an object where a name or a number should be
                found = [Reason(check=check.__name__.replace("_", " "), passed=False, message=str(error))]
            reasons += [dataclasses.replace(reason, group=group) for reason in found]
    passed = all(reason.passed for reason in reasons)
    return Verdict(blessed=passed or override is not None, passed=passed, override=override, reasons=tuple(reasons))


def as_markdown(verdict: Verdict) -> str:
    """A line a kind of check; then what failed, then everything, kind by kind."""
    lines = [f"# {headline(verdict)}", "", "| | checks | passed |", "|---|---|---|"]
    groups = {group: [one for one in verdict.reasons if one.group == group] for group in GROUPS}
    for group, reasons in groups.items():
        if reasons:
            passed = sum(reason.passed for reason in reasons)
            lines.append(f"| {_mark(passed == len(reasons))} | {group} | {passed} of {len(reasons)} |")
    failed = [reason for reason in verdict.reasons if not reason.passed]
    if failed:
        lines += ["", "## What said no", "", *_table(failed)]
    for group, reasons in groups.items():
        if reasons:
            lines += ["", f"## {group[0].upper()}{group[1:]}", "", *_table(reasons)]
    return "\n".join(lines) + "\n"


def headline(verdict: Verdict) -> str:
    """The verdict in one line; an override cannot be overlooked."""
    if verdict.overridden and verdict.override:
        who = f"by {verdict.override.by} at {verdict.override.at}: {verdict.override.reason}"
        return f"BLESSED BY OVERRIDE {who}; these checks failed: {', '.join(verdict.failed)}"
    if verdict.blessed:
        return f"Blessed: all {len(verdict.reasons)} checks passed"
    return f"Not blessed: {len(verdict.failed)} of {len(verdict.reasons)} checks failed: {', '.join(verdict.failed)}"


def _table(reasons: list[Reason]) -> list[str]:
    rows = [
        f"| {_mark(r.passed)} | {r.check} | {_text(r.value)} | {_text(r.threshold)} | {_cell(r.message)} |"
        for r in reasons
    ]
    return ["| | check | value | limit | |", "|---|---|---|---|---|", *rows]


def _mark(passed: bool) -> str:
    return "yes" if passed else "**NO**"


def _text(number: float | None) -> str:
    return "" if number is None else f"{number:.5g}"


def _cell(message: str) -> str:
    return message.replace("|", "/").replace("\n", " ")
