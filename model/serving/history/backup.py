"""`python -m model.serving.history.backup {write,restore} --store STORE FILE`: every shopper's record in one
Parquet file.

The same for both stores, so a backup of one can be restored into the other. A file is complete or not there: it is
renamed into place at the end, and carries the number of its records and their digest. It holds personal data.
"""

import argparse
import hashlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from model.errors import AisleError, InputError
from model.serving.history.record import unpacked
from model.serving.history.store import HistoryStore, open_store

SCHEMA = pa.schema([("user_id", pa.binary()), ("record", pa.binary())])
ROWS = 2000
"""Records at a time."""
DIGEST, COUNT = b"aisle.sha256", b"aisle.records"


def write(store: HistoryStore, file: Path) -> int:
    """Writes every record of the store; returns how many. Raises InputError where the file exists already."""
    if file.exists():
        raise InputError(f"{file}: expected no file, a backup is never written over another; choose another name")
    fresh = file.with_name(f".{file.name}.new")
    digest, count, rows = hashlib.sha256(), 0, list[tuple[bytes, bytes]]()
    try:
        with pq.ParquetWriter(fresh, SCHEMA, compression="zstd") as out:
            for key, value in store.records():
                _add(digest, key, value)
                rows.append((key, value))
                count += 1
                if len(rows) == ROWS:
                    out.write_table(_table(rows))
                    rows.clear()
            out.write_table(_table(rows))
            out.add_key_value_metadata({DIGEST: digest.hexdigest(), COUNT: str(count)})
        with fresh.open("rb") as written:
            os.fsync(written.fileno())
        fresh.chmod(0o600)
        fresh.rename(file)
    finally:
        fresh.unlink(missing_ok=True)
    return count


def restore(store: HistoryStore, file: Path) -> int:
    """Puts the records of a backup into an empty store; returns how many. The file is checked as a whole first.

    Raises:
        InputError: the file is no whole backup, or the store has records.
    """
    count = check(file)
    if next(store.records(), None) is not None:
        raise InputError("restore: expected an empty store, it has records; restore beside it and change the servers")
    store.put(_records(file))
    return count


def check(file: Path) -> int:
    """How many records a backup has. Raises InputError where it is damaged, or holds a record that cannot be read."""
    try:
        about = pq.read_metadata(file).metadata or {}
        digest, count = hashlib.sha256(), 0
        for key, value in _records(file):
            unpacked(value)
            _add(digest, key, value)
            count += 1
        if (about[DIGEST].decode(), int(about[COUNT])) != (digest.hexdigest(), count):
            raise ValueError("its records are not those that were written")
    except (OSError, ValueError, KeyError, pa.ArrowException, AisleError) as error:
        raise InputError(f"{file}: expected a backup of an event store, got none whole ({error!s:.120})") from None
    return count


def _add(digest: "hashlib._Hash", key: bytes, value: bytes) -> None:
    for part in (key, value):
        digest.update(len(part).to_bytes(8, "little") + part)


def _table(rows: Sequence[tuple[bytes, bytes]]) -> pa.Table:
    keys, values = zip(*rows, strict=True) if rows else ((), ())
    return pa.table({"user_id": pa.array(keys, pa.binary()), "record": pa.array(values, pa.binary())}, SCHEMA)


def _records(file: Path) -> Iterator[tuple[bytes, bytes]]:
    with pq.ParquetFile(file) as source:
        for batch in source.iter_batches(ROWS):
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Prints what was done; 2 on bad input, 1 when the store does not answer."""
    parser = argparse.ArgumentParser(prog="python -m model.serving.history.backup", description=__doc__)
    parser.add_argument("action", choices=("write", "restore"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--store", required=True, help="a directory, or redis://host:port/database (REDIS_PASSWORD)")
    parser.add_argument("--max-history", type=int, default=2048, help="events of a shopper (%(default)s)")
    options = parser.parse_args(argv)
    try:
        store = open_store(options.store, options.max_history, os.environ.get("REDIS_PASSWORD"))
        count = (write if options.action == "write" else restore)(store, options.file)
        store.close()
    except AisleError as error:
        print(f"aisle: {error}", file=sys.stderr)
        return error.exit_code
    print(f"{count:,} shoppers {'written to' if options.action == 'write' else 'restored from'} {options.file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
