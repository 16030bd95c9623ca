"""The shoppers that get a list: all of a store, or those of a file, each with the history before a moment."""

from collections.abc import Callable, Iterator
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from model.data import columns as c
from model.errors import InputError, RecordDamaged
from model.serving.history import values
from model.serving.history.store import History, HistoryStore
from model.serving.v2_inputs import check_id

ALL = "all"
"""In the place of a file: every shopper of the store."""


class Shopper(NamedTuple):
    """One shopper.

    Example:
        >>> Shopper("ann", None).history is None
        True
    """

    user_id: str
    history: History | None
    """None where the store cannot decode its record."""


def count(users: str, store: HistoryStore) -> int:
    """How many shoppers there are, about: those that a file names twice count twice.

    Raises InputError where the file cannot be read, or a row is no id: before any list is made.
    """
    number = store.shoppers_about() if users == ALL else sum(1 for _ in _ids(Path(users)))
    if not number:
        raise InputError(f"users: expected at least one shopper, {'the store' if users == ALL else users} has none")
    return number


def shoppers(users: str, store: HistoryStore, before_s: int | None) -> Iterator[Shopper]:
    """Each of them, in the order of the file or of the store.

    Args:
        users: ALL, or a file: Parquet or CSV with a column user_id, or text with an id a line.
        before_s: the history is of purchases strictly before it, unix seconds; None: of all.

    Raises:
        StoreUnavailable: the store does not answer.
    """
    if users == ALL:
        for key, value in store.records():
            yield Shopper(key.decode(), _decoded(partial(values.before, value, before_s)))
    else:
        for user_id in _ids(Path(users)):
            yield Shopper(user_id, _decoded(partial(store.history, user_id, before_s)))


class Repeats:
    """Finds ids that came before, in eight bytes for each.

    Example:
        >>> repeats = Repeats()
        >>> repeats.first(["ann", "bob", "ann"]), repeats.first(["bob", "eve"])
        ([True, True, False], [False, True])
    """

    def __init__(self) -> None:
        self._sorted: list[np.ndarray] = []
        """Digests, the longest array first, each at most half as long as the one before."""

    def first(self, user_ids: list[str]) -> list[bool]:
        """Whether each id comes for the first time."""
        digests = np.array([int.from_bytes(blake2b(i.encode(), digest_size=8).digest()) for i in user_ids], np.uint64)
        first_N = np.zeros(len(digests), bool)
        first_N[np.unique(digests, return_index=True)[1]] = True
        for earlier in self._sorted:
            place_N = np.minimum(np.searchsorted(earlier, digests), len(earlier) - 1)
            first_N &= earlier[place_N] != digests
        fresh = np.sort(digests[first_N])
        while self._sorted and len(self._sorted[-1]) < 2 * len(fresh):
            fresh = np.sort(np.concatenate([self._sorted.pop(), fresh]))
        if len(fresh):
            self._sorted.append(fresh)
        return first_N.tolist()


def _decoded(read: Callable[[], History]) -> History | None:
    try:
        return read()
    except RecordDamaged:
        return None


def _ids(path: Path) -> Iterator[str]:
    """Checked ids of the file."""
    try:
        for number, value in enumerate(_values(path), 1):
            if not isinstance(value, str):
                raise InputError(f"users: {path}, row {number}: expected an id, got {value!r}")
            yield check_id(f"users: {path}, row {number}", value)
    except OSError as error:
        raise InputError(f"users: expected a file or {ALL!r}, cannot read {path} ({error.strerror or error})") from None
    except UnicodeDecodeError:
        raise InputError(f"users: expected text in UTF-8 with an id a line in {path}, it is not text") from None
    except (pa.ArrowException, KeyError) as error:
        raise InputError(f"users: {path}: expected a column {c.USER} ({' '.join(str(error).split())[:120]})") from None


def _values(path: Path) -> Iterator[str | None]:
    if path.suffix == ".parquet":
        with pq.ParquetFile(path) as file:
            kind = file.schema_arrow.field(c.USER).type
            kind = kind.value_type if pa.types.is_dictionary(kind) else kind
            if not (pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)):
                raise InputError(f"users: {path}: expected text or integers in {c.USER}, got {kind}")
            for batch in file.iter_batches(columns=[c.USER]):
                yield from batch.column(0).cast(pa.string()).to_pylist()
    elif path.suffix == ".csv":
        options = pa_csv.ConvertOptions(column_types={c.USER: pa.string()}, include_columns=[c.USER])
        with pa_csv.open_csv(path, convert_options=options) as batches:
            for batch in batches:
                yield from batch.column(0).to_pylist()
    else:
        with path.open(encoding="utf-8-sig") as lines:
            yield from (line.rstrip("\n") for line in lines if line.strip())
