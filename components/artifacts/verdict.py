"""What the gate decided, and why: verdict.json."""

from components.artifacts.artifact import Artifact, Flag, Number, Tolerant


class Reason(Tolerant):
    """One check. `value` and `threshold` are None where there is no number."""

    check: str = ""
    passed: Flag = False
    value: Number = None
    threshold: Number = None
    message: str = ""
    group: str = ""
    """Kind of the check."""


class Override(Tolerant):
    """A person's decision to push in spite of failed checks."""

    by: str = ""
    at: str = ""
    """RFC 3339, UTC."""
    reason: str = ""
    checks: tuple[str, ...] = ()
    """Those that had failed."""

    @property
    def line(self) -> str:
        """Who overruled the gate, when, why, and what had failed."""
        decided = f"{self.by} at {self.at}: {self.reason}"
        return f"BLESSED BY OVERRIDE of {decided}; these checks failed: {', '.join(self.checks)}"


class Verdict(Tolerant, Artifact, file="verdict.json", stage="gate"):
    """The gate's answer. Only a plain true is a yes: a `blessed` of any other type reads as false."""

    blessed: Flag = False
    """All checks passed, or a person overruled those that did not, with a reason."""
    passed: Flag = False
    overridden: Flag = False
    """Blessed although a check failed."""
    override: Override | None = None
    """What was asked for, needed or not."""
    override_refused: str = ""
    """Why an override that was asked for was not taken."""
    reasons: tuple[Reason, ...] = ()
    version: str | None = None
    """Of the candidate that was evaluated."""
    code_version: str = ""
    digest: str = ""
    """Of the examples."""

    @property
    def failed(self) -> tuple[Reason, ...]:
        """The checks that did not pass, in order."""
        return tuple(reason for reason in self.reasons if not reason.passed)

    @property
    def headline(self) -> str:
        """The verdict in one line; an override cannot be overlooked."""
        if self.overridden and self.override:
            return self.override.line
        if self.blessed:
            return f"Blessed: all {len(self.reasons)} checks passed"
        names = ", ".join(reason.check for reason in self.failed)
        return f"Not blessed: {len(self.failed)} of {len(self.reasons)} checks failed: {names}"
