"""Hash tables against Python's dict: ids of every kind, and items that fall into the same place."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.kernels.tables import UNKNOWN, id_table, numbers, places, slot_of

ODD = ["", "a", "ab", "abc", "b", "ba", "é", "日本", "e\u0301", " ", "a ", "0", "00", "👍", "x" * 3000]
"""Prefixes of each other, the empty one, several bytes a letter, two spellings of one letter."""


def test_every_id_has_its_number_and_its_number_has_its_id() -> None:
    table = id_table(pa.array(ODD))
    assert numbers(table, ODD).tolist() == list(range(len(ODD)))
    assert [table.name(number) for number in range(len(ODD))] == ODD


def test_other_ids_are_unknown() -> None:
    table = id_table(pa.array(["milk", "bread"]))
    strange = ["", "mil", "milks", "Milk", "m", "bread ", "\ud800"]
    assert numbers(table, strange).tolist() == [UNKNOWN] * len(strange)


def test_an_id_with_a_nul_is_unknown_and_moves_no_other() -> None:
    table = id_table(pa.array(["a", "b", ""]))
    assert numbers(table, ["a", "a\0b", "b", "\0", "", "a\0", "b"]).tolist() == [0, -1, 1, -1, 2, -1, 1]
    assert numbers(table, ["a\0"]).tolist() == [-1]


def test_a_catalog_with_a_nul_in_an_id_still_finds_the_others() -> None:
    assert numbers(id_table(pa.array(["a\0b", "a", "b"])), ["a", "b", "a\0b"]).tolist() == [1, 2, -1]


def test_of_equal_ids_the_first_counts() -> None:
    assert numbers(id_table(pa.array(["a", "b", "a"])), ["a", "b"]).tolist() == [0, 1]


@pytest.mark.parametrize(
    "none",
    [pa.array([], pa.string()), pa.array(np.array([], object)), pa.array(["a"])[:0], pa.array(["a", "b"])[2:]],
    ids=("typed", "untyped", "slice", "behind"),
)
def test_without_ids_everything_is_unknown(none: pa.Array) -> None:
    assert numbers(id_table(none), ["a", ""]).tolist() == [UNKNOWN] * 2


def test_nothing_asked_has_no_numbers() -> None:
    answer = numbers(id_table(pa.array(["a"])), [])
    assert answer.shape == (0,) and answer.dtype == np.int32


def test_ids_that_are_all_empty_are_one() -> None:
    assert numbers(id_table(pa.array(["", ""])), ["", "a"]).tolist() == [0, UNKNOWN]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_a_slice_of_a_longer_array_is_numbered_from_its_own_start(kind: pa.DataType) -> None:
    table = id_table(pa.array(["left", "out", *ODD, "also"], kind)[2:-1])
    assert numbers(table, [*ODD, "left", "also"]).tolist() == [*range(len(ODD)), UNKNOWN, UNKNOWN]
    assert table.name(3) == ODD[3]


@pytest.mark.parametrize("dtype", [object, "U"])
def test_ids_may_be_objects_or_a_numpy_text_array(dtype: type | str) -> None:
    assert numbers(id_table(pa.array(np.array(["tea", "té"], dtype))), ["té", "tea"]).tolist() == [1, 0]


def test_a_hundred_thousand_ids_are_all_found() -> None:
    ids = [f"item-{n * 7919 % 100_003}" for n in range(100_000)]
    table = id_table(pa.array(ids))
    assert (numbers(table, ids) == np.arange(len(ids))).all()
    assert (numbers(table, [f"item-{n}" for n in range(100_003, 110_000)]) == UNKNOWN).all()
    assert len(table.number_S) == 262_144


@given(ids=st.lists(st.text(max_size=4), unique=True, max_size=40), asked=st.lists(st.text(max_size=4), max_size=40))
def test_it_is_pythons_dict(ids: list[str], asked: list[str]) -> None:
    ids = [i for i in ids if "\0" not in i]
    expected = {name: number for number, name in enumerate(ids)}
    assert numbers(id_table(pa.array(ids, pa.string())), asked).tolist() == [expected.get(a, UNKNOWN) for a in asked]


@pytest.mark.parametrize(("entries", "expected"), [(0, 2), (1, 4), (2, 8), (3, 8), (4, 16), (7, 16), (8, 32)])
def test_at_most_half_of_a_table_is_taken(entries: int, expected: int) -> None:
    assert places(entries) == expected


def fill(items: list[int], size: int) -> tuple[np.ndarray, list[int]]:
    item_S, at = np.full(size, UNKNOWN, np.int32), []
    for item in items:
        at.append(slot_of(np.int32(item), item_S))
        item_S[at[-1]] = item
    return item_S, at


def test_items_that_want_the_same_place_get_one_each_and_are_found_again() -> None:
    """Those of the first 20,000 that fall into the last place of eight: the search goes round to the first ones."""
    empty = np.full(8, UNKNOWN, np.int32)
    colliding = [n for n in range(20_000) if slot_of(np.int32(n), empty) == 7][:4]
    item_S, at = fill(colliding, 8)
    assert at == [7, 0, 1, 2]
    assert [slot_of(np.int32(item), item_S) for item in colliding] == at
    absent = next(n for n in range(20_000) if n not in colliding and slot_of(np.int32(n), empty) == 7)
    assert slot_of(np.int32(absent), item_S) == 3 and item_S[3] == UNKNOWN


def test_many_items_each_have_a_place() -> None:
    items = [*np.random.default_rng(2).permutation(5_000_000)[:3_000].tolist(), 5_000_000, 2**31 - 1]
    item_S, at = fill(items, int(places(len(items))))
    assert len(set(at)) == len(items)
    assert item_S[at].tolist() == items


def test_the_type_of_a_table_does_not_depend_on_where_its_ids_come_from() -> None:
    of_arrow, empty = id_table(pa.array(["a"])), id_table(pa.array([], pa.string()))
    for table in (of_arrow, empty):
        assert (table.begin_I.dtype, table.text_T.dtype) == (np.int64, np.uint8)
        assert not table.begin_I.flags.writeable and not table.text_T.flags.writeable and table.number_S.flags.writeable
