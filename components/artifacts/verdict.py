"""What the gate decided, and why: verdict.json."""

from typing import Literal

from pydantic import computed_field

from components.artifacts.artifact import Artifact, Count, Flag, Number, Tolerant

Outcome = Literal["blessed", "overridden", "not_proven", "not_blessed"]
"""not_proven: nothing speaks against the model, and too few trips speak for it. It is not pushed either."""


class Reason(Tolerant):
    """One check. `value` and `threshold` are None where there is no number."""

    check: str = ""
    passed: Flag = False
    unproven: Flag = False
    """It did not pass because the trips decide neither way. False where it passed, or certainly failed."""
    trips_needed: Count | None = None
    """Judged trips with which a lead of the observed size would pass; None where no number of trips would do."""
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
        """The checks that certainly did not pass, in order."""
        return tuple(reason for reason in self.reasons if not reason.passed and not reason.unproven)

    @property
    def unproven(self) -> tuple[Reason, ...]:
        """The checks that too few trips leave open, in order."""
        return tuple(reason for reason in self.reasons if not reason.passed and reason.unproven)

    @property
    def not_passed(self) -> tuple[Reason, ...]:
        """Both, those that failed first."""
        return self.failed + self.unproven

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorated properties
    @property
    def outcome(self) -> Outcome:
        """The one answer. Not proven: not blessed, and more trips could change every check that did not pass."""
        if self.blessed:
            return "overridden" if self.overridden else "blessed"
        return "not_proven" if self.unproven and not self.failed else "not_blessed"

    @property
    def trips_needed(self) -> int | None:
        """Judged trips with which every open check would pass; None where no number of trips would do."""
        needed = [reason.trips_needed for reason in self.unproven]
        return max((trips for trips in needed if trips is not None), default=None) if None not in needed else None

    @property
    def figures(self) -> dict[str, float]:
        """{name: number} for KFP's page, where runs are compared."""
        counts = {"checks": self.reasons, "checks failed": self.failed, "checks not proven": self.unproven}
        return {"blessed": float(self.blessed)} | {name: float(len(of)) for name, of in counts.items()}

    @property
    def facts(self) -> dict[str, str | int]:
        """What KFP's page shows of the artifact."""
        return {"model_version": self.version or "", "verdict": self.outcome, "checks": len(self.reasons)}

    @property
    def headline(self) -> str:
        """The verdict in one line; an override cannot be overlooked."""
        if self.overridden and self.override:
            return self.override.line
        if self.blessed:
            return f"Blessed: all {len(self.reasons)} checks passed"
        failed, unproven = (", ".join(reason.check for reason in of) for of in (self.failed, self.unproven))
        if self.outcome == "not_proven":
            would = f"; about {self.trips_needed:,} trips would prove it" if self.trips_needed else ""
            return f"Not proven: {len(self.unproven)} of {len(self.reasons)} checks are not proven: {unproven}{would}"
        more = f"; not proven: {unproven}" if unproven else ""
        return f"Not blessed: {len(self.failed)} of {len(self.reasons)} checks failed: {failed}{more}"
