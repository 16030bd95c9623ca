"""The gate: may this candidate be pushed? A pure function of the evaluation, the settings and the expected data.

Only a yes to every check is a yes: whatever is missing, not a number, or about other data is a no with its reason.
"""

from collections.abc import Iterable, Iterator

from components.artifacts.evaluation import Evaluation, Missing
from components.artifacts.verdict import Override, Reason, Verdict
from components.gate.checks import GROUPS
from components.gate.criteria import Expected
from components.kfp_support.markdown_table import table_lines
from tfx_configs.settings import GateSettings


def decide(
    evaluation: Evaluation, settings: GateSettings, expected: Expected, override: Override | None = None
) -> Verdict:
    """Judges one evaluation.

    Args:
        evaluation: an empty one where there is none.
        override: blesses in spite of failed checks, which stay in the verdict.
    """
    reasons: list[Reason] = []
    for group, checks in GROUPS.items():
        for check in checks:
            try:
                found = check(evaluation, settings, expected)
            except Missing as error:
                found = [Reason(check=check.__name__.replace("_", " "), passed=False, message=str(error))]
            reasons += [reason.model_copy(update={"group": group}) for reason in found]
    failed = tuple(reason.check for reason in reasons if not reason.passed)
    return Verdict(
        blessed=not failed or override is not None,
        passed=not failed,
        overridden=bool(failed) and override is not None,
        override=override and override.model_copy(update={"checks": failed}),
        reasons=tuple(reasons),
        version=evaluation.versions.get(evaluation.candidate),
        digest=expected.digest,
    )


def as_markdown(verdict: Verdict) -> str:
    """A line a kind of check; then what failed, then everything, kind by kind."""
    lines = [f"# {verdict.headline}", "", "| | checks | passed |", "|---|---|---|"]
    groups = {group: [one for one in verdict.reasons if one.group == group] for group in GROUPS}
    for group, reasons in groups.items():
        if reasons:
            passed = sum(reason.passed for reason in reasons)
            lines.append(f"| {_mark(passed == len(reasons))} | {group} | {passed} of {len(reasons)} |")
    if verdict.failed:
        lines += ["", "## Failed checks", "", *_table(verdict.failed)]
    for group, reasons in groups.items():
        if reasons:
            lines += ["", f"## {group[0].upper()}{group[1:]}", "", *_table(reasons)]
    return "\n".join(lines) + "\n"


def _table(reasons: Iterable[Reason]) -> Iterator[str]:
    rows = ((_mark(r.passed), r.check, _text(r.value), _text(r.threshold), r.message) for r in reasons)
    return table_lines(("", "check", "value", "limit", ""), rows)


def _mark(passed: bool) -> str:
    return "yes" if passed else "**NO**"


def _text(number: float | None) -> str:
    return "" if number is None else f"{number:.5g}"
