"""Which task fits a shop, at the limits."""

from dataclasses import dataclass

import pytest

from model.data.task import TaskKind, choose_task


@dataclass
class Shop:
    shoppers: int = 100
    returning: int = 50
    sessions: int = 90
    repeat_percent: float = 30.0


@pytest.mark.parametrize(
    ("shop", "task"),
    [
        (Shop(), TaskKind.NEXT_BASKET),
        (Shop(repeat_percent=5.0), TaskKind.NEXT_BASKET),
        (Shop(repeat_percent=4.9), TaskKind.NEXT_NEW_ITEM),
        (Shop(returning=5, repeat_percent=0.0), TaskKind.NEXT_NEW_ITEM),
        (Shop(returning=4), TaskKind.REST_OF_SESSION),
        # Times without a time of day: no session has two moments, so nothing follows in any.
        (Shop(returning=4, sessions=0), TaskKind.NEXT_BASKET),
        (Shop(shoppers=0, returning=0, sessions=0), TaskKind.NEXT_BASKET),
    ],
)
def test_sessions_come_before_repeats_and_both_limits_are_where_they_are_stated(shop: Shop, task: TaskKind) -> None:
    chosen, why = choose_task(shop)
    assert chosen is task and why


def test_only_the_next_basket_may_repeat() -> None:
    assert [task for task in TaskKind if not task.new_only] == [TaskKind.NEXT_BASKET]
