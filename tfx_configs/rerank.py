"""How a ranked list changes before it is shown: business rules, diversity, a boost and draws for new items."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tfx_configs.frozen import Must, Settings, check

ITEM = "item_id"
"""Named as a rule's attribute, its values are item ids."""


class Rule(Settings):
    """One business rule about the items that have one of `values` in `attribute`."""

    action: Literal["exclude", "restrict", "cap"]
    """exclude: never shown (out of stock, recalled). restrict: only to shoppers who bought that item before, as with
    what asks for an age. cap: at most `most` in a list for each value."""
    attribute: Annotated[str, Must("a column of the items table", bool)] = ITEM
    """A column of the items table."""
    values: tuple[str, ...] = ()
    """Values of the attribute; for a cap, none means every value. What has no value is never capped."""
    store_id: str = ""
    """The store it holds in; empty: every store."""
    most: int = 0
    """Of a cap, 1 to 100; else 0."""
    note: str = ""
    """The reason, for readers of the file."""

    @model_validator(mode="after")
    def _fits_the_action(self) -> Self:
        if self.action == "cap":
            check(1 <= self.most <= 100, "most", "1 to 100 with a cap", self.most)
            check(self.attribute != ITEM, "attribute", "another column than item_id with a cap", self.attribute)
        else:
            check(self.most == 0, "most", f"0 with {self.action}", self.most)
            check(bool(self.values), "values", f"at least one with {self.action}", self.values)
        return self


class Rules(Settings):
    """The business rules: what a rules file holds, as JSON."""

    rules: tuple[Rule, ...] = ()


class RerankSettings(Settings):
    """How ranked candidates become a list; packaged with the model. The cost of each is in docs/reranking.md."""

    explore_boost: float = Field(0.0, ge=0, le=10)
    """Added to the log-odds of items that the shopper never bought; 0: off."""
    diversity: float = Field(0.0, ge=0, lt=1)
    """Weight of being unlike the items above, against the score over the best one's; 0: off."""
    newcomer_diversity: float = Field(0.1, ge=0, lt=1)
    """The same for a shopper without a history, where it is larger; without such an attribute it is off."""
    diversity_attribute: str = ""
    """Items with the same value are alike; empty: the attribute with the fewest values, at least ten."""
    explore_percent: float = Field(0.0, ge=0, le=50)
    """Answers whose place `explore_place` is filled by a draw; 0: off, percent."""
    explore_place: int = Field(10, ge=1, le=100)
    """Counted from 1; an answer with fewer places explores nothing."""
    explore_pool: int = Field(50, ge=1, le=1000)
    """The draw is among this many items that follow the place, each as likely."""
    seed: int = 7
    """Of the draws: the same shopper at the same second gets the same list."""
    rules: tuple[Rule, ...] = ()
    """Business rules; a server's rules file takes their place."""

    def rules_only(self) -> "RerankSettings":
        """For a model whose scores are no probabilities: the rules, and nothing that reads a score."""
        return RerankSettings(rules=self.rules, newcomer_diversity=0)
