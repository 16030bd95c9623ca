"""Kernels as plain Python: the same values, and compiled again afterwards, whatever happens in between."""

import types

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

from model.candidates import pool
from model.features import matrix, recent, seen
from model.kernels import numbers, selection, tables
from model.kernels.compiler import plain_python
from model.ranking import recommender

KERNELS = [
    (numbers, "halved"),
    (numbers, "log1p_row"),
    (selection, "best"),
    (selection, "_smallest_first"),
    (recommender, "best_of_each"),
    (tables, "slot_of"),
    (seen, "own_sums"),
    (seen, "slot_of"),
    (matrix, "_fill"),
    (matrix, "_fill_one"),
    (recent, "_fill"),
    (pool, "_list"),
    (pool, "running_here"),
]
"""(module, name): of where a kernel is defined, and of where it is imported."""


def kinds() -> set[type]:
    return {type(vars(module)[name]) for module, name in KERNELS} | {type(fill) for fill in matrix.KINDS}


def compiled() -> bool:
    return all(issubclass(kind, Dispatcher) for kind in kinds())


def test_inside_every_kernel_is_plain_wherever_it_was_imported_and_afterwards_the_same_as_before() -> None:
    before = [vars(module)[name] for module, name in KERNELS]
    assert compiled()
    with plain_python():
        assert kinds() == {types.FunctionType}
    assert compiled()
    assert all(vars(module)[name] is kernel for (module, name), kernel in zip(KERNELS, before, strict=True))


def test_an_exception_inside_leaves_compiled_kernels_as_well() -> None:
    with pytest.raises(ZeroDivisionError), plain_python():
        raise ZeroDivisionError
    assert compiled()


def test_a_block_in_a_block_changes_nothing_until_the_outer_one_ends() -> None:
    with plain_python():
        with plain_python():
            assert kinds() == {types.FunctionType}
        assert kinds() == {types.FunctionType}
    assert compiled()


def test_plain_kernels_call_plain_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """A callee that was replaced in its module is called by plain code alone: compiled code holds what it calls."""
    calls = []

    def smallest_first(key_P: np.ndarray, n: int, k: int) -> None:
        calls.append(k)
        key_P[:n].sort()

    score_P, key_P = np.array([1.0, 3.0, 2.0], np.float32), np.empty(3, np.int64)
    assert selection.best(score_P, 2, key_P) == 2
    with plain_python(), monkeypatch.context() as patch:
        patch.setattr(selection, "_smallest_first", smallest_first)
        assert selection.best(score_P, 2, key_P) == 2
        assert key_P[:2].tolist() == [1, 2]
    assert calls == [2]


def test_what_overflows_in_plain_python_warns_of_nothing() -> None:
    with np.errstate(all="raise"), plain_python():
        table = tables.id_table(tables.pa.array(["milk", "tea"]))
        assert tables.numbers(table, ["tea", "x"]).tolist() == [1, tables.UNKNOWN]
        weight_H = np.empty(1, np.float32)
        numbers.halved(np.array([1e38], np.float32), np.float32(1e-3), np.empty(1, np.int32), weight_H)
        assert weight_H.tolist() == [2.0**-125]


def test_plain_and_compiled_kernels_give_the_same_numbers() -> None:
    rng = np.random.default_rng(8)
    values = np.concatenate([rng.exponential(100, 200), [0.0, -1.0, 1e-30, 1e30]]).astype(np.float32)

    def results() -> list[np.ndarray]:
        row_C, weight_H, key_P = values.copy(), np.empty_like(values), np.empty(len(values), np.int64)
        numbers.log1p_row(row_C, np.empty((2, len(values)), np.float32))
        numbers.halved(np.abs(values), np.float32(60), np.empty(len(values), np.int32), weight_H)
        size = selection.best(values, 50, key_P)
        return [row_C, weight_H, key_P[:size]]

    fast = results()
    with plain_python():
        plain = results()
    for value, other in zip(fast, plain, strict=True):
        np.testing.assert_allclose(value, other, rtol=3e-7)
