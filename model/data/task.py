"""What a run recommends: the next basket, the next new item, or the rest of a session. Decided once, from the data."""

from enum import StrEnum
from typing import Protocol

REPEAT_PERCENT = 5.0
"""Share of lines that repeat an earlier purchase of their shopper, from which on repeats are part of the task, %."""
RETURN_PERCENT = 5.0
"""Share of shoppers with a second trip, below which a session is all that there is of a shopper, %."""


class TaskKind(StrEnum):
    """The tasks.

    Example:
        >>> TaskKind("next_new_item").new_only, TaskKind.REST_OF_SESSION.new_only
        (True, True)
    """

    NEXT_BASKET = "next_basket"
    """Repeats and new items in one list, at the begin of a trip."""
    NEXT_NEW_ITEM = "next_new_item"
    """What the shopper has never bought: the history is no candidate and no label, for every ranker."""
    REST_OF_SESSION = "rest_of_session"
    """The first events of a session are the history; what follows, and was not in the history, is the label."""

    @property
    def new_only(self) -> bool:
        """Whether what the shopper bought before is left out."""
        return self is not TaskKind.NEXT_BASKET

    @property
    def words(self) -> str:
        """The name in a sentence."""
        return self.replace("_", " ")

    @property
    def judged(self) -> str:
        """What is judged, in the plural."""
        return _JUDGED[self]

    @property
    def purpose(self) -> str:
        """What a model of the task is for."""
        return _PURPOSES[self]


_JUDGED = {
    TaskKind.NEXT_BASKET: "next baskets",
    TaskKind.NEXT_NEW_ITEM: "next baskets without repeats",
    TaskKind.REST_OF_SESSION: "rests of sessions",
}
_PURPOSES = {
    TaskKind.NEXT_BASKET: "To suggest products for a shopper's next basket at the beginning of a trip",
    TaskKind.NEXT_NEW_ITEM: "To suggest products that a shopper has not bought before, at the beginning of a trip",
    TaskKind.REST_OF_SESSION: "To suggest products for the rest of a session, from its first events",
}


class Habits(Protocol):
    """How shoppers buy (components/examples/habits.py measures it)."""

    @property
    def shoppers(self) -> int: ...

    @property
    def returning(self) -> int:
        """Shoppers with at least two trips."""
        ...

    @property
    def sessions(self) -> int:
        """Trips with events at two moments or more."""
        ...

    @property
    def repeat_percent(self) -> float:
        """Lines whose shopper had bought the item on an earlier trip, percent."""
        ...


def choose_task(habits: Habits) -> tuple[TaskKind, str]:
    """The task that fits, and why.

    Sessions come first: where hardly a shopper returns, nothing else can be judged. Then the share of repeats decides.
    """
    back = 100 * habits.returning / max(habits.shoppers, 1)
    if back < RETURN_PERCENT and habits.sessions > habits.returning:
        return TaskKind.REST_OF_SESSION, (
            f"{back:.1f} % of shoppers come back, under {RETURN_PERCENT:g} %: the first events of a session are the "
            "history, the list is of what follows"
        )
    repeats = f"{habits.repeat_percent:g} % of purchases repeat an earlier one of their shopper"
    if habits.repeat_percent < REPEAT_PERCENT:
        return TaskKind.NEXT_NEW_ITEM, (
            f"{repeats}, under {REPEAT_PERCENT:g} %: the list is of what the shopper has not bought before"
        )
    return TaskKind.NEXT_BASKET, f"{repeats}: repeats and new items in one list"
