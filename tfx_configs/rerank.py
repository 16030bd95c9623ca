"""What is done with a ranked list before it is shown: business rules, diversity, a boost and draws for what is new."""

import dataclasses
from typing import Literal

from tfx_configs.frozen import Settings, check

ITEM = "item_id"
"""Named as a rule's attribute, its values are item ids."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rule(Settings):
    """One business rule about the items that have one of `values` in `attribute`."""

    action: Literal["exclude", "restrict", "cap"]
    """exclude: never shown (out of stock, recalled). restrict: only to shoppers who bought that item before, as with
    what asks for an age. cap: at most `most` in a list for each value."""
    attribute: str = ITEM
    """A column of the items table."""
    values: tuple[str, ...] = ()
    """Which; for a cap, none means every value. What has no value is never capped."""
    store_id: str = ""
    """The store it holds in; empty: every store."""
    most: int = 0
    """Of a cap, 1 to 100; else 0."""
    note: str = ""
    """Why, for whoever reads the file."""

    def __post_init__(self) -> None:
        check(bool(self.attribute), "attribute", "a column of the items table", self.attribute)
        if self.action == "cap":
            check(1 <= self.most <= 100, "most", "1 to 100 with a cap", self.most)
            check(self.attribute != ITEM, "attribute", "another column than item_id with a cap", self.attribute)
        else:
            check(self.most == 0, "most", f"0 with {self.action}", self.most)
            check(bool(self.values), "values", f"at least one with {self.action}", self.values)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rules(Settings):
    """The business rules: what a rules file holds, as JSON."""

    rules: tuple[Rule, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class RerankSettings(Settings):
    """How ranked candidates become a list; packaged with the model. The cost of each is in docs/reranking.md."""

    explore_boost: float = 0.0
    """Added to the log-odds of what the shopper never bought, 0 (off) to 10."""
    diversity: float = 0.0
    """Weight of being unlike what stands above, against the score over the best one's, 0 (off), below 1."""
    diversity_attribute: str = ""
    """Items with the same value are alike; empty: the attribute with the fewest values, at least ten."""
    explore_percent: float = 0.0
    """Answers whose place `explore_place` is given to a draw, percent, 0 (off) to 50."""
    explore_place: int = 10
    """Counted from 1; an answer with fewer places explores nothing. 1 to 100."""
    explore_pool: int = 50
    """The draw is among this many that follow the place, each as likely, 1 to 1000."""
    seed: int = 7
    """Of the draws: the same shopper at the same second gets the same list."""
    rules: tuple[Rule, ...] = ()
    """Business rules; a server's rules file takes their place."""

    def __post_init__(self) -> None:
        check(0 <= self.explore_boost <= 10, "explore_boost", "0 to 10", self.explore_boost)
        check(0 <= self.diversity < 1, "diversity", "0 to below 1", self.diversity)
        check(0 <= self.explore_percent <= 50, "explore_percent", "0 to 50", self.explore_percent)
        check(1 <= self.explore_place <= 100, "explore_place", "1 to 100", self.explore_place)
        check(1 <= self.explore_pool <= 1000, "explore_pool", "1 to 1000", self.explore_pool)

    def rules_only(self) -> "RerankSettings":
        """For a model whose scores are no probabilities: the rules, and nothing that reads a score."""
        return RerankSettings(rules=self.rules)
