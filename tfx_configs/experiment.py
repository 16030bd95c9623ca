"""How an experiment between two versions is read."""

import dataclasses

from tfx_configs.frozen import Settings, check


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExperimentSettings(Settings):
    """One control, one treatment, one share for the whole of it."""

    share_percent: float = 50.0
    """Declared share of the shoppers who get the treatment, between 0 and 100."""
    alpha: float = 0.05
    """Probability that an interval misses the truth, both sides together, (0, 0.5]."""
    mismatch_alpha: float = 0.001
    """A sample-ratio mismatch is called below this p-value, (0, 0.1]; small, for it stops the experiment."""
    max_both_percent: float = 1.0
    """Shoppers who saw both versions, percent of those exposed; more of them, and the split is not sticky, [0, 100]."""

    def __post_init__(self) -> None:
        check(0 < self.share_percent < 100, "share_percent", "between 0 and 100", self.share_percent)
        check(0 < self.alpha <= 0.5, "alpha", "above 0, at most 0.5", self.alpha)
        check(0 < self.mismatch_alpha <= 0.1, "mismatch_alpha", "above 0, at most 0.1", self.mismatch_alpha)
        check(0 <= self.max_both_percent <= 100, "max_both_percent", "0 to 100", self.max_both_percent)
