"""Looks for a shopper's id in every file below a directory: the proof that a shopper is forgotten."""

import functools
import json
import re
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.forget.retention import Place, place_of

_WORD = rb"0-9A-Za-z_."
_JSON = (".json", ".jsonl", ".journal")
_ARRAYS = (".npy", ".npz")


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A file that has the id."""

    path: PurePosixPath
    """Relative to what was scanned."""
    place: Place
    times: int
    allowed: bool
    """The file is under a retention that is not over."""


def scan(directory: Path, user_id: str) -> list[Hit]:
    """Every file below the directory with the id in it, whatever its kind; one that cannot be read as what its name
    promises is searched as bytes."""
    hits = []
    for file in sorted(path for path in directory.rglob("*") if path.is_file() and not path.is_symlink()):
        times = occurrences(file, user_id)
        if times:
            path = PurePosixPath(file.relative_to(directory).as_posix())
            place = place_of(path)
            hits.append(Hit(path=path, place=place, times=times, allowed=place.may_hold(file)))
    return hits


def occurrences(file: Path, user_id: str) -> int:
    """How often the file has the id: as a whole value of a table, an array or JSON; elsewhere as a word."""
    try:
        return _counter(file)(file, user_id)
    except (pa.ArrowException, ValueError, OSError, zipfile.BadZipFile):
        return _in_bytes(file, user_id)


def id_hash(user_id: str) -> int:
    """The number in place of the id in the attributes of validation (components/validate/attribute_changes.py)."""
    return int(pd.util.hash_pandas_object(pd.Series([user_id], dtype=object), index=False).iloc[0])


def _counter(file: Path) -> Callable[[Path, str], int]:
    if file.suffix == ".parquet":
        return _in_parquet
    if file.suffix in _ARRAYS:
        return _in_arrays
    if file.suffix in _JSON:
        return _in_json
    return _in_store if file.suffix == ".mdb" else _in_bytes


def _in_parquet(file: Path, user_id: str) -> int:
    return sum(_in_column(column, user_id) for column in pq.read_table(file).columns)


def _in_column(column: pa.ChunkedArray, user_id: str) -> int:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = pc.cast(column, kind.value_type), kind.value_type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _in_column(pc.list_flatten(column), user_id)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _count(pc.equal(column, user_id))
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return _count(pc.equal(column, user_id.encode()))
    return _count(pc.equal(column, pa.scalar(id_hash(user_id), pa.uint64()))) if pa.types.is_uint64(kind) else 0


def _count(equal: pa.ChunkedArray) -> int:
    return int(pc.sum(equal).as_py() or 0)


def _in_arrays(file: Path, user_id: str) -> int:
    loaded = np.load(file, allow_pickle=False)
    arrays = [loaded] if file.suffix == ".npy" else [loaded[name] for name in loaded]
    wanted: dict[str, Any] = {"U": user_id, "S": user_id.encode()}
    return sum(int((array == wanted[array.dtype.kind]).sum()) for array in arrays if array.dtype.kind in wanted)


def _in_json(file: Path, user_id: str) -> int:
    text = file.read_text(encoding="utf-8")
    values = [json.loads(text)] if file.suffix == ".json" else [json.loads(line) for line in text.splitlines() if line]
    return sum(value == user_id for value in _texts(values))


def _texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value, names of fields included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _in_store(file: Path, user_id: str) -> int:
    """Keys of LMDB's pages, used or free: each is stored behind its length, in two bytes."""
    key = user_id.encode()
    return file.read_bytes().count(struct.pack("<H", len(key)) + key)


def _in_bytes(file: Path, user_id: str) -> int:
    return len(_word(user_id).findall(file.read_bytes()))


@functools.lru_cache(8)
def _word(user_id: str) -> "re.Pattern[bytes]":
    return re.compile(rb"(?<![" + _WORD + rb"])" + re.escape(user_id.encode()) + rb"(?![" + _WORD + rb"])")
