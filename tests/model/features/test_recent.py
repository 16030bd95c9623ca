"""What the query tower reads of a shopper against hand-computed values."""

import math

import numpy as np
import pytest

from model.api import RECENT_EVENTS
from model.features.recent import TASTE_DAYS, Recent, RecentEvents
from tests.model.small_catalog import ITEMS, Ask, batch, small_catalog

EVENTS = RecentEvents(small_catalog())


def recent(*asks: Ask) -> Recent:
    return EVENTS(batch(*asks))


def test_an_event_counts_half_after_each_half_life() -> None:
    """At day 70: b 30 days ago, d 3 days ago."""
    weight_RL = recent(Ask(70, (("b", 40), ("d", 67)))).weight_BRL[0]
    assert TASTE_DAYS == (3.0, 30.0, 180.0)
    assert weight_RL[-2].tolist() == pytest.approx([2**-10, 0.5, 2 ** (-30 / 180)])
    assert weight_RL[-1].tolist() == pytest.approx([0.5, 2 ** (-3 / 30), 2 ** (-3 / 180)])


def test_the_last_event_is_last_and_places_before_the_first_are_empty() -> None:
    """Embedding rows are the items' positions; red is 2, blue 3, no colour 0."""
    read = recent(Ask(70, (("b", 40), ("d", 60), ("e", 67))))
    empty = RECENT_EVENTS - 3
    assert read.vocabulary_BR[0].tolist() == [0] * empty + [ITEMS.index(item) for item in "bde"]
    assert read.attribute_BRA[0, :, 0].tolist() == [0] * empty + [2, 3, 0]
    assert not read.weight_BRL[0, :empty].any() and (read.weight_BRL[0, empty:] > 0).all()


def test_of_more_events_than_are_read_the_last_ones_count() -> None:
    """70 purchases a day apart, b on every day but the last ten, which are of d."""
    bought = tuple(("b" if day < 60 else "d", day) for day in range(70))
    read = recent(Ask(70, bought))
    assert RECENT_EVENTS == 64
    assert read.vocabulary_BR[0].tolist() == [ITEMS.index("b")] * 54 + [ITEMS.index("d")] * 10
    assert read.weight_BRL[0, :, 1].tolist() == pytest.approx([2 ** (-(70 - day) / 30) for day in range(6, 70)])
    assert (np.diff(read.weight_BRL[0], axis=0) > 0).all()


def test_exactly_as_many_events_as_are_read_fill_every_place() -> None:
    read = recent(Ask(70, tuple(("b", day) for day in range(RECENT_EVENTS))))
    assert (read.vocabulary_BR == ITEMS.index("b")).all() and (read.weight_BRL > 0).all()


def test_time_of_day_and_of_week_go_round() -> None:
    """Monday, 06:00 UTC: a quarter of a day, and 4.25 days after a Thursday, with which unix time began."""
    angle = 2 * math.pi * 4.25 / 7
    assert recent(Ask(70.25)).moment_BX[0].tolist() == pytest.approx([1, 0, math.sin(angle), math.cos(angle)], abs=1e-4)


def test_the_shoppers_attributes_are_those_of_their_row() -> None:
    assert recent(Ask(70, user=1), Ask(70)).user_BD.tolist() == [[2], [0]]


def test_each_request_of_a_batch_is_read_as_if_it_were_alone() -> None:
    asks = (
        Ask(70, (("b", 69), ("d", 69.5)), user=1),
        Ask(71),
        Ask(90, tuple(("a" if day % 3 else "e", day) for day in range(80))),
        Ask(65, (("z", 1),), "s2"),
    )
    together = recent(*asks)
    for b, ask in enumerate(asks):
        for values, alone in zip(together, recent(ask), strict=True):
            assert np.array_equal(values[b], alone[0])


def test_no_requests_and_no_events_are_empty() -> None:
    assert [array.shape[0] for array in recent()] == [0] * 5
    read = recent(Ask(70))
    assert not (read.vocabulary_BR.any() or read.attribute_BRA.any() or read.weight_BRL.any())


def test_arrays_are_typed_as_the_networks_read_them() -> None:
    read = recent(Ask(70, (("b", 69),)))
    assert [array.dtype for array in read] == [np.int32, np.int32, np.float32, np.float32, np.int32]
    assert [array.shape for array in read] == [(1, 64), (1, 64, 1), (1, 64, 3), (1, 4), (1, 1)]
