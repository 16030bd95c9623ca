"""What push did with a candidate in the registry, and release on a cluster."""

from components.artifacts.artifact import Artifact
from components.artifacts.verdict import Outcome, Override


class PushOutcome(Artifact, file="outcome.json", stage="push"):
    """The candidate in the registry, or not, and why."""

    pushed: bool
    """It is the canary now."""
    version: str
    """Of the candidate."""
    blessed: bool
    outcome: Outcome | None = None
    """The verdict's; None in files of earlier versions."""
    stable: str | None
    """Version that is stable."""
    replaces: str | None
    """Version that it would replace."""
    reason: str
    override: Override | None = None
    """The verdict's, where it was needed."""
    tracked: dict[str, str] = {}
    """{server of the settings' tracking: registered, or why it did not take the version}."""

    @property
    def facts(self) -> dict[str, str]:
        """What KFP's page shows of the artifact."""
        return {"model_version": self.version, "verdict": self.outcome or "", "stable": self.stable or "none"}


RELEASED, REJECTED, UNCHANGED = "released", "rejected", "unchanged"
"""What became of a run's model on the cluster; unchanged: it is the stable one already."""


class ReleaseOutcome(Artifact, file="released.json", stage="release"):
    """The candidate on the InferenceService, or not. What does not apply is not set."""

    released: bool
    reason: str | None = None
    """Why it was not released."""
    rejected: bool = False
    """The gate did not bless it."""
    version: str = ""
    predictor: str = ""
    runtime: str = ""
    """ServingRuntime of its servers."""
    percent: int = 0
    stable: str | None = None
    previous: str | None = None
    generation: int = 0
    """Of the InferenceService."""
    changed: bool = False
    """Whether the service declared something else before."""

    @property
    def word(self) -> str:
        """One of RELEASED, REJECTED and UNCHANGED."""
        return RELEASED if self.released else REJECTED if self.rejected else UNCHANGED
