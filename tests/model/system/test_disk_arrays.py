"""Arrays on disk have the values, shape and type of those in memory."""

import numpy as np

from model.system.disk_arrays import on_disk


def test_rows_come_one_part_after_the_other_in_the_type_asked_for() -> None:
    array = on_disk(iter([np.array([[1, 2], [3, 4]]), np.array([[5, 6]])]), np.dtype(np.int32), (2,))
    assert (array.tolist(), array.dtype, type(array)) == ([[1, 2], [3, 4], [5, 6]], np.int32, np.ndarray)


def test_no_rows_are_an_empty_array_of_that_width() -> None:
    assert on_disk([], np.dtype(np.int32), (7,)).shape == (0, 7)
    assert on_disk([np.zeros((0, 7))], np.dtype(np.int32), (7,)).shape == (0, 7)


def test_an_array_can_be_changed_in_memory_alone() -> None:
    array = on_disk([np.zeros(3)], np.dtype(np.float64))
    array[1] = 5.0
    assert array.tolist() == [0.0, 5.0, 0.0]
