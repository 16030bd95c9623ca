from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from model.errors import InputError
from model.serving.v2_inputs import INPUTS, Query, parse, parse_time

NOW_S = 1_700_000_000


@dataclass
class _Tensor:
    name: str
    datatype: str
    data: Any
    shape: list[int] = field(default_factory=lambda: [1])

    def as_numpy(self) -> np.ndarray:
        return np.array(self.data, dtype=object).reshape(self.shape)


_USER = _Tensor("user_id", "BYTES", ["u1"])


def test_a_user_alone_is_enough() -> None:
    assert parse([_USER], NOW_S) == Query(user_id="u1", time_s=NOW_S)


def test_every_input_is_read() -> None:
    tensors = [
        _Tensor("user_id", "BYTES", [b"u\xc3\xa91"]),
        _Tensor("k", "INT32", [3]),
        _Tensor("k_new", "INT32", [0]),
        _Tensor("store_id", "BYTES", ["s"]),
        _Tensor("request_time", "BYTES", ["2017-12-04T01:00:00+01:00"]),
        _Tensor("exclude", "BYTES", ["a", b"b"], [2]),
        _Tensor("within", "BYTES", ["colour=red", "size=a=b"], [2]),
        _Tensor("new_only", "BOOL", [True]),
        _Tensor("recent_items", "BYTES", ["a", "b"], [2]),
        _Tensor("recent_stores", "BYTES", ["", b"s"], [2]),
        _Tensor("recent_quantities", "FP32", [1, 0.5], [2]),
        _Tensor("recent_prices", "FP32", [0, 2.25], [2]),
    ]
    assert {tensor.name for tensor in tensors} == {tensor.name for tensor in INPUTS}
    # 2017-12-04 00:00 UTC is day 17504 since 1970.
    expected = Query(
        user_id="ué1",
        time_s=17504 * 86400,
        timed=True,
        k=3,
        store_id="s",
        exclude=("a", "b"),
        within=(("colour", "red"), ("size", "a=b")),
        new_only=True,
        recent_items=("a", "b"),
        recent_stores=("", "s"),
        recent_quantities=(1.0, 0.5),
        recent_prices=(0.0, 2.25),
    )
    assert parse(tensors, NOW_S) == expected


def test_recent_items_may_come_alone_and_empty() -> None:
    assert parse([_USER, _Tensor("recent_items", "BYTES", [], [0])], NOW_S) == Query(user_id="u1", time_s=NOW_S)


def test_a_second_shelf_is_read_and_is_not_asked_for_beside_a_list_of_what_is_new() -> None:
    shelf, new_only = _Tensor("k_new", "INT32", [4]), _Tensor("new_only", "BOOL", [True])
    assert parse([_USER, shelf], NOW_S) == Query(user_id="u1", time_s=NOW_S, k_new=4)
    with pytest.raises(InputError, match=r"^input k_new: expected 0 with new_only"):
        parse([_USER, shelf, new_only], NOW_S)


def test_new_only_is_true_false_or_left_open() -> None:
    asked = [parse([_USER, *more], NOW_S).new_only for more in ([], [_Tensor("new_only", "BOOL", [False])])]
    assert asked == [None, False]


BAD = {
    "an unknown input": (_Tensor("age", "INT32", [5]), "input 'age': unknown; the model takes user_id"),
    "an input twice": (_USER, "input user_id: given twice"),
    "a wrong datatype": (_Tensor("k", "INT64", [5]), "input k: expected datatype INT32, got 'INT64'"),
    "k of 0": (_Tensor("k", "INT32", [0]), "input k: expected 1 to 100, got 0"),
    "a within without a value": (
        _Tensor("within", "BYTES", ["red"]),
        "input within: expected attribute=value, got 'red'",
    ),
    "k_new of 101": (_Tensor("k_new", "INT32", [101]), "input k_new: expected 0 to 100, got 101"),
    "k of 101": (_Tensor("k", "INT32", [101]), "input k: expected 1 to 100, got 101"),
    "a true k": (_Tensor("k", "INT32", [True]), "input k: expected integers, got True"),
    "a fractional k": (_Tensor("k", "INT32", [1.5]), "input k: expected integers, got 1.5"),
    "two values of k": (_Tensor("k", "INT32", [1, 2], [2]), r"input k: expected shape \[1\], got \[2\]"),
    "a matrix": (_Tensor("exclude", "BYTES", [["a"]], [1, 1]), r"expected shape \[n\], n at most 1000, got \[1, 1\]"),
    "a negative shape": (_Tensor("exclude", "BYTES", ["a"], [-1]), r"expected shape \[n\]"),
    "a list too long": (_Tensor("exclude", "BYTES", ["a"] * 1001, [1001]), r"expected shape \[n\]"),
    "a shape that lies": (_Tensor("exclude", "BYTES", ["a"], [2]), "expected 2 elements by its shape, got 1"),
    "a new_only of 1": (_Tensor("new_only", "BOOL", [1]), "input new_only: expected true or false, got 1"),
    "no data": (_Tensor("store_id", "BYTES", []), "the data does not fit"),
    "a nested list": (_Tensor("exclude", "BYTES", [["a"]]), r"expected strings, got \['a'\]"),
    "bytes that are not UTF-8": (_Tensor("store_id", "BYTES", [b"\xff"]), "expected UTF-8"),
    "half a surrogate pair": (_Tensor("store_id", "BYTES", ["\ud800"]), "bytes of UTF-8"),
    "a NUL in an item": (_Tensor("exclude", "BYTES", ["a\0"]), "without NUL"),
    "an empty recent item": (_Tensor("recent_items", "BYTES", [""]), "expected 1 to 256 bytes"),
    "a store without a recent item": (
        _Tensor("recent_stores", "BYTES", ["s"]),
        "input recent_stores: expected one for each of 0 recent_items, got 1",
    ),
    "a quantity of 0": (_Tensor("recent_quantities", "FP32", [0]), "recent_quantities: expected one for each of 0"),
    "a price that is text": (_Tensor("recent_prices", "FP32", ["1"]), "input recent_prices: expected numbers, got '1'"),
    "a time without zone": (_Tensor("request_time", "BYTES", ["2017-12-04T00:00:00"]), "expected RFC 3339"),
    "a day only": (_Tensor("request_time", "BYTES", ["2017-12-04"]), "expected RFC 3339"),
    "a day that is none": (_Tensor("request_time", "BYTES", ["2017-02-30T00:00:00Z"]), "expected RFC 3339"),
    "a time before 1970": (_Tensor("request_time", "BYTES", ["1969-12-31T23:59:59Z"]), "since 1970"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_with_one_line(name: str) -> None:
    tensor, message = BAD[name]
    with pytest.raises(InputError, match=message) as error:
        parse([_USER, tensor], NOW_S)
    assert "\n" not in str(error.value)


def test_a_missing_user_is_refused() -> None:
    with pytest.raises(InputError, match="input user_id: missing"):
        parse([_Tensor("k", "INT32", [5])], NOW_S)


def test_an_empty_user_is_refused() -> None:
    with pytest.raises(InputError, match="input user_id: expected 1 to 256 bytes"):
        parse([_Tensor("user_id", "BYTES", [""])], NOW_S)


@pytest.mark.parametrize(
    "text",
    [
        *("2017-12-04T00:00:00Z", "2017-12-04t00:00:00z", "2017-12-04 01:30:00+01:30", "2017-12-03T18:00:00.9-06:00"),
        *("2017-12-04T00:00:00.1234567Z", "2017-12-04T00:00:00.999999999Z", "2017-12-04T00:00:00.123456789012+00:00"),
    ],
)
def test_a_time_may_have_any_zone_and_any_fraction(text: str) -> None:
    assert parse_time("time", text) == 17504 * 86400
