"""How long networks learn, by the number of their trips."""

import pytest

from components.train.schedule import RANKER, SEQUENCE, TOWERS, Pace, Schedule, schedule


@pytest.mark.parametrize("trips", [38_000, 48_646, 92_000, 10_000_000])
def test_a_large_shop_has_the_least_epochs_and_the_largest_batches(trips: int) -> None:
    assert schedule(trips, TOWERS, None, None) == Schedule(epochs=3, batch=256, watched=False)
    assert schedule(trips, RANKER, None, None) == Schedule(epochs=1, batch=64, watched=False)


@pytest.mark.parametrize(
    ("trips", "pace", "epochs", "batch"),
    [
        (839, TOWERS, 8, 16),  # 839 / 64 is 13: batches of 16, 53 steps an epoch, 400 / 53 is 7.5
        (839, RANKER, 8, 16),
        (3000, TOWERS, 5, 32),  # 46: batches of 32, 94 steps; 4.3
        (50, TOWERS, 30, 16),  # 4 steps an epoch: 100 epochs would be too many
        (50, RANKER, 10, 16),
        (700, SEQUENCE, 40, 16),
        (0, TOWERS, 30, 16),
    ],
)
def test_a_small_shop_has_smaller_batches_and_more_epochs(trips: int, pace: Pace, epochs: int, batch: int) -> None:
    plan = schedule(trips, pace, None, None)
    assert (plan.epochs, plan.batch, plan.watched) == (epochs, batch, True)


def test_the_settings_decide_where_they_say_something() -> None:
    assert schedule(839, TOWERS, 2, None) == Schedule(epochs=2, batch=16, watched=False)
    assert schedule(839, TOWERS, None, 839) == Schedule(epochs=30, batch=839, watched=True)


def test_the_last_batch_of_an_epoch_is_a_step_too() -> None:
    assert Schedule(epochs=3, batch=16, watched=True).steps(839) == 3 * 53
