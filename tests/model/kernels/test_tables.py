"""Hash tables against Python's dictionaries."""

import numpy as np
import pyarrow as pa
import pytest

from model.kernels.tables import UNKNOWN, id_table, numbers, places


@pytest.mark.parametrize("size", [0, 1, 2, 3, 1000])
def test_ids_have_the_numbers_of_their_places(size: int) -> None:
    ids = [f"item {i} é" for i in range(size)]
    table = id_table(pa.array(ids, pa.string()))
    asked = [*ids[::-1], "item", "", "item 1"]
    expected = dict(zip(ids, range(size), strict=True))
    assert numbers(table, asked).tolist() == [expected.get(i, UNKNOWN) for i in asked]
    assert [table.name(number) for number in range(size)] == ids


def test_of_equal_ids_the_first_counts_and_a_slice_starts_at_zero() -> None:
    table = id_table(pa.array(["x", "a", "b", "a", ""]).slice(1))
    assert numbers(table, ["a", "b", "", "x"]).tolist() == [0, 1, 3, UNKNOWN]


def test_an_id_with_a_nul_or_half_a_character_is_unknown() -> None:
    table = id_table(pa.array(["a", "b"]))
    assert numbers(table, ["a\0b", "b", "\ud800", ""]).tolist() == [UNKNOWN, 1, UNKNOWN, UNKNOWN]
    assert len(numbers(table, [])) == 0


@pytest.mark.parametrize(("entries", "expected"), [(0, 2), (1, 4), (2, 8), (3, 8), (4, 16)])
def test_at_most_half_of_the_places_are_taken(entries: int, expected: int) -> None:
    assert places(entries) == expected and expected >= 2 * entries


def test_the_type_of_a_table_does_not_depend_on_where_its_ids_come_from() -> None:
    kept_by_arrow, of_bytes = id_table(pa.array(["a"])), id_table(pa.array([], pa.string()))
    for table in (kept_by_arrow, of_bytes):
        assert (table.begin_I.dtype, table.text_T.dtype) == (np.int64, np.uint8)
        assert not table.begin_I.flags.writeable and not table.text_T.flags.writeable and table.number_S.flags.writeable
