"""What counts as a positive, and which training labels are noise. Never touches test labels."""

from typing import Annotated

from pydantic import Field

from tfx_configs.frozen import Count, Factor, Must, Settings, Share

EVENT_TYPES = ("purchase", "view", "cart")
"""Event types that can be positives; a `return` takes one back."""


class LabelSettings(Settings):
    """The label policy. benchmarks/robustness/labels.py measures the effect of each switch; docs/labels.md has it."""

    positive_types: Annotated[
        tuple[str, ...] | None,
        Must(
            f"some of {', '.join(EVENT_TYPES)}",
            lambda types: types is None or (bool(types) and set(types) <= set(EVENT_TYPES)),
        ),
    ] = None
    """Event types that make trips, histories and labels; their quantity must be above 0. null: purchases, or in a shop
    that has none, views and carts."""
    return_days: int = Field(30, ge=0, le=365)
    """A return cancels the shopper's last purchase of the item this many days back; 0: returns are ignored, days."""
    outcome_hours: float = Field(0.0, ge=0, le=720)
    """What a shopper buys within this time after a training trip began is a label of it too; 0: off, hours."""
    quantity_quantile: float = Field(1.0, ge=0.5, le=1)
    """Training lines above this quantile of quantity are no labels; 1 keeps all. Learned before the cut."""
    gift_familiarity: Share = 0.0
    """A large training basket less familiar to its shopper than this is no label; 0 keeps all."""
    gift_size_ratio: Factor = 2.0
    """`Large`: this many times the shopper's mean basket so far."""
    gift_min_trips: Count = 5
    """Earlier trips a shopper needs before a basket can be strange."""
    min_judged_trips: int = Field(30, ge=0)
    """Shoppers' first trips after the cut, with a history, below which nothing is trained: too few to judge a model;
    0: not checked."""
