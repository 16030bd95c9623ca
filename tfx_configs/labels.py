"""What counts as a positive, and which training labels are noise. Never touches test labels."""

import dataclasses

from tfx_configs.frozen import Settings, check

EVENT_TYPES = ("purchase", "view", "cart")
"""Event types that can be positives; a `return` takes one back."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class LabelSettings(Settings):
    """The label policy. The effect of each switch is measured by benchmarks/robustness/labels.py and told in
    docs/labels.md."""

    positive_types: tuple[str, ...] = ("purchase",)
    """Event types that make trips, histories and labels, some of EVENT_TYPES; their quantity must be above 0."""
    return_days: int = 30
    """A return cancels the shopper's last purchase of the item this many days back, days, 0 (ignored) to 365."""
    outcome_hours: float = 0.0
    """What a shopper buys within this time after a training trip began is a label of it too, hours, 0 (off) to 720."""
    quantity_quantile: float = 1.0
    """Training lines above this quantile of quantity are no labels, [0.5, 1]; 1 keeps all. Learned before the cut."""
    gift_familiarity: float = 0.0
    """A large training basket less familiar to its shopper than this is no label, [0, 1]; 0 keeps all."""
    gift_size_ratio: float = 2.0
    """`Large`: this many times the shopper's mean basket so far, at least 1."""
    gift_min_trips: int = 5
    """Earlier trips a shopper needs before a basket can be strange, at least 1."""

    def __post_init__(self) -> None:
        known = bool(self.positive_types) and set(self.positive_types) <= set(EVENT_TYPES)
        check(known, "positive_types", f"some of {', '.join(EVENT_TYPES)}", self.positive_types)
        check(0 <= self.return_days <= 365, "return_days", "0 to 365", self.return_days)
        check(0 <= self.outcome_hours <= 720, "outcome_hours", "0 to 720", self.outcome_hours)
        check(0.5 <= self.quantity_quantile <= 1, "quantity_quantile", "0.5 to 1", self.quantity_quantile)
        check(0 <= self.gift_familiarity <= 1, "gift_familiarity", "0 to 1", self.gift_familiarity)
        check(self.gift_size_ratio >= 1, "gift_size_ratio", "at least 1", self.gift_size_ratio)
        check(self.gift_min_trips >= 1, "gift_min_trips", "at least 1", self.gift_min_trips)
