"""The report on item ids: which have a row of their own, which share a hashed one."""

import numpy as np
import pytest

from components.examples.catalog import bucket_count
from components.examples.run import vocabulary_report

VOCABULARY_I = np.array([4, 5, 0, 0, 2, 3])
"""Items 0 and 1 have rows of their own (4, 5); 2 and 3 share bucket 0; 4 and 5 are alone in buckets 2 and 3."""
BOUGHT_E = np.array([0, 0, 0, 1, 1, 1, 2, 3, 3, 4])


def test_shares_are_of_training_purchases_and_of_the_items_without_a_row_of_their_own() -> None:
    """Of ten purchases six are of items 0 and 1, three of items 2 and 3. Two of four hashed items collide."""
    assert vocabulary_report(VOCABULARY_I, BOUGHT_E, floor=3) == {
        "vocabulary_coverage": 0.6,
        "oov_items": 4,
        "oov_buckets": 3,
        "oov_items_colliding": 0.5,
        "oov_purchases_colliding": 0.3,
    }


@pytest.mark.parametrize(("vocabulary_I", "floor", "items", "colliding"), [([1, 2, 3], 1, 0, 0), ([0, 0, 0], 2, 3, 1)])
def test_with_all_items_known_nothing_collides_and_with_one_bucket_everything_does(
    vocabulary_I: list[int], floor: int, items: int, colliding: float
) -> None:
    report = vocabulary_report(np.array(vocabulary_I), np.array([0, 1, 2]), floor)
    assert (report["oov_items"], report["oov_items_colliding"]) == (items, colliding)
    assert (report["vocabulary_coverage"], report["oov_purchases_colliding"]) == (1 - colliding, colliding)


def test_there_are_as_many_buckets_as_give_each_the_purchases_that_a_row_of_its_own_needs() -> None:
    """Of rare items 4 + 3 + 1 = 8 purchases; with a floor of 5 that teaches one bucket, and with a floor of 2 none."""
    assert bucket_count(np.array([9, 4, 3, 1, 0]), floor=5) == 1
    assert bucket_count(np.array([9, 4, 4, 4, 4, 4, 0]), floor=5) == 4
    assert bucket_count(np.array([9, 1, 0]), floor=2) == 1
    assert bucket_count(np.array([9, 5]), floor=5) == 1
