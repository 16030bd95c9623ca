"""The gate: may this candidate be pushed? A pure function of the evaluation, the settings and the expected data.

Only a yes to every check is a yes: whatever is missing, not a number, or about other data is a no with its reason.
A lead that too few trips leave open is not proven, which is no yes either.
"""

from pathlib import Path

from jinja2 import Template

from components.artifacts.evaluation import Evaluation, Missing
from components.artifacts.verdict import Override, Reason, Verdict
from components.gate.checks import GROUPS, Expected
from tfx_configs.settings import GateSettings

MIN_REASON = 20
"""Characters that a reason must have: `ok` and `asked for` explain nothing to who reads them in a year."""
_PAGE = Template(Path(__file__).with_name("verdict.md.j2").read_text("utf-8"), trim_blocks=True, lstrip_blocks=True)


def decide(
    evaluation: Evaluation, settings: GateSettings, expected: Expected, override: Override | None = None
) -> Verdict:
    """Judges one evaluation.

    Args:
        evaluation: an empty one where there is none.
        override: blesses in spite of checks that did not pass, which stay in the verdict.
    """
    reasons: list[Reason] = []
    for group, checks in GROUPS.items():
        for check in checks:
            try:
                of_check = check(evaluation, settings, expected)
            except Missing as error:
                of_check = [Reason(check=check.__name__.replace("_", " "), passed=False, message=str(error))]
            reasons += [reason.model_copy(update={"group": group}) for reason in of_check]
    overruled = tuple(reason.check for reason in reasons if not reason.passed)
    return Verdict(
        blessed=not overruled or override is not None,
        passed=not overruled,
        overridden=bool(overruled) and override is not None,
        override=override and override.model_copy(update={"checks": overruled}),
        reasons=tuple(reasons),
        version=evaluation.versions.get(evaluation.candidate),
        digest=expected.digest,
    )


def as_markdown(verdict: Verdict) -> str:
    """A line a kind of check; then what failed, then everything, kind by kind."""
    groups = {group: [reason for reason in verdict.reasons if reason.group == group] for group in GROUPS}
    return _PAGE.render(verdict=verdict, groups=groups)


def refusal(reason: str, by: str) -> str:
    """Why an override with this reason and name is not taken; empty when it is."""
    if len(reason.strip()) < MIN_REASON:
        return (
            f"override: expected a reason of at least {MIN_REASON} characters, got {reason.strip()!r}; "
            "explain why the failed checks do not count this time"
        )
    return "" if by.strip() else "override: expected the name of who decides, got none; give your name"
