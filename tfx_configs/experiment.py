"""How an experiment between two versions is read."""

from pydantic import Field

from tfx_configs.frozen import Percent, Settings


class ExperimentSettings(Settings):
    """One control, one treatment, one share for the whole of it."""

    share_percent: float = Field(50.0, gt=0, lt=100)
    """Declared share of the shoppers who get the treatment, percent."""
    alpha: float = Field(0.05, gt=0, le=0.5)
    """Probability that an interval misses the truth, both sides together."""
    mismatch_alpha: float = Field(0.001, gt=0, le=0.1)
    """A sample-ratio mismatch is called below this p-value; small, because it stops the experiment."""
    max_both_percent: Percent = 1.0
    """Shoppers who saw both versions, percent of those exposed; with more of them the split is not sticky."""
