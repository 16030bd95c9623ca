"""Hash tables: known ids of a catalog, and the few items of one request.

Both are open addressing with linear probing over a power of two of places, at most half of them taken.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from model.kernels.arrays import read_only
from model.kernels.compiler import kernel

UNKNOWN = -1
_FNV_BASIS, _FNV_PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
_FOLD = np.uint64(29)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class IdTable(NamedTuple):
    """String ids by number, and numbers by id. Shape legend: I ids, S places, T bytes of all ids.

    Example:
        >>> table = id_table(pa.array(["bread", "milk"]))
        >>> numbers(table, ["milk", "tea"]).tolist()
        [1, -1]
    """

    begin_I: np.ndarray
    """[I + 1] int64 where each id begins in `text_T`."""
    text_T: np.ndarray
    """[T] uint8, UTF-8."""
    number_S: np.ndarray
    """[S] int32 number of the id in each place, UNKNOWN in an empty one."""

    def name(self, number: int) -> str:
        """The id of that number."""
        return self.text_T[self.begin_I[number] : self.begin_I[number + 1]].tobytes().decode()


def id_table(ids: pa.Array) -> IdTable:
    """The table of distinct ids; of equal ones the first counts."""
    ids = ids.cast(pa.large_string())
    _, offsets, text = ids.buffers()
    begin_I = (
        np.frombuffer(offsets, np.int64)[ids.offset : ids.offset + len(ids) + 1] if len(ids) else np.zeros(1, np.int64)
    )
    text_T = np.frombuffer(text, np.uint8) if text is not None and text.size else np.zeros(1, np.uint8)
    begin_I, text_T = read_only(begin_I, np.int64), read_only(text_T, np.uint8)
    number_S = np.full(places(len(ids)), UNKNOWN, np.int32)
    _fill(begin_I, text_T, number_S)
    return IdTable(begin_I, text_T, number_S)


def numbers(table: IdTable, ids: Sequence[str]) -> np.ndarray:
    """[n] int32 number of each id, UNKNOWN where it is not in the table."""
    number_n = np.empty(len(ids), np.int32)
    if len(ids):
        encoded = "\0".join(ids).encode("utf-8", "surrogatepass") + b"\0"
        if encoded.count(b"\0") != len(ids):  # an id with a NUL is in no catalog
            return np.concatenate([numbers(table, [i]) if "\0" not in i else [np.int32(UNKNOWN)] for i in ids])
        _look_up(*table, np.frombuffer(encoded, np.uint8), number_n)
    return number_n


@kernel
def places(entries):
    """How many a table for so many entries has."""
    size = 2
    while size < 2 * entries + 1:
        size *= 2
    return size


@kernel
def _hashed(text_T, begin, end):
    """FNV-1a, folded."""
    h = _FNV_BASIS
    for i in range(begin, end):
        h = (h ^ np.uint64(text_T[i])) * _FNV_PRIME
    return h ^ (h >> _FOLD)


@kernel
def _same(a_T, begin, end, b_T, from_b):
    for i in range(end - begin):  # noqa: SIM110  (Numba compiles no generator)
        if a_T[begin + i] != b_T[from_b + i]:
            return False
    return True


@kernel
def _place(begin_I, text_T, number_S, other_T, begin, end):
    """The place of the id other_T[begin:end], or the empty one where it would be."""
    mask = len(number_S) - 1
    at = np.int64(_hashed(other_T, begin, end) & np.uint64(mask))
    while number_S[at] >= 0:
        number = number_S[at]
        here, there = begin_I[number], begin_I[number + 1]
        if there - here == end - begin and _same(text_T, here, there, other_T, begin):
            return at
        at = (at + 1) & mask
    return at


@kernel
def _fill(begin_I, text_T, number_S):
    for i in range(len(begin_I) - 1):
        at = _place(begin_I, text_T, number_S, text_T, begin_I[i], begin_I[i + 1])
        if number_S[at] < 0:
            number_S[at] = i


@kernel
def _look_up(begin_I, text_T, number_S, joined_T, number_n):
    """joined_T: ids, each followed by a NUL."""
    begin = 0
    for n in range(len(number_n)):
        end = begin
        while joined_T[end] != 0:
            end += 1
        number_n[n] = number_S[_place(begin_I, text_T, number_S, joined_T, begin, end)]
        begin = end + 1


@kernel
def slot_of(item, item_S):
    """The place of an item, or the empty one where it would be. item_S: [S] int32, UNKNOWN where empty."""
    mask = len(item_S) - 1
    at = np.int64((np.uint64(item) * _GOLDEN) >> np.uint64(32)) & mask
    while item_S[at] != UNKNOWN and item_S[at] != item:
        at = (at + 1) & mask
    return at
