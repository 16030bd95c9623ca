"""Which baseline serves until a model is blessed, and why: first_stable.json, beside the baselines."""

from components.artifacts.artifact import Artifact, Count, Number


class FirstStable(Artifact, file="first_stable.json", stage="baselines"):
    """The baseline chosen on the validation span. Nothing at or after the cut takes part in the choice.

    Example:
        >>> chosen = FirstStable(
        ...     name="popularity", reason="best", metric="ndcg@10", first="2017-11-06", last="2017-12-03", trips=9
        ... )
        >>> chosen.line
        'popularity is the first stable model: best'
    """

    name: str
    reason: str
    metric: str
    """What decided."""
    first: str = ""
    last: str = ""
    """Days of the validation span, YYYY-MM-DD; empty where there is none."""
    trips: Count = 0
    """Trips in it that were judged: the first one of each shopper with a history."""
    figures: dict[str, dict[str, Number]] = {}
    """{baseline: {metric: mean over these trips}}, each baseline as of the first day of the span."""

    @property
    def line(self) -> str:
        """The choice in one line."""
        return f"{self.name} is the first stable model: {self.reason}"
