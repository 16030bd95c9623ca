"""The request log: one row for each answered request, as Parquet, and how it is read.

A directory holds any number of files, from any number of server processes:

    {version}-{pid}-{start}-{number}.parquet   finished, never changed again
    {version}-{pid}-{start}-{number}.journal   JSON lines, still written to, or left by a process that was killed

A journal becomes the Parquet file of the same name. Only this module, the writer (model/serving/request_log/spool.py)
and the shipper know of journals; everybody else calls `read`, which has every row some milliseconds after its answer.

On a cluster each server's directory is emptied into an object store (model/serving/request_log/shipper.py), and all of
them are read there as one log, finished files only:

    s3://bucket/path/{day on which it was finished, UTC}/{host}-{name}.parquet

Detail is there for a share of the requests (`sampled`) and null for the others: the history exactly as the model was
given it, and what it ranked. The features as seen are not stored: the model is a pure function of history, moment,
store and catalog, so the history, the row's other columns and the version's model directory give them again.
"""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import reduce
from hashlib import blake2b
from operator import and_
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from model.errors import InputError
from model.request_log.routing_headers import APART, Route
from model.system import object_store
from tfx_configs.units import DAY_S

if TYPE_CHECKING:
    import pyarrow.dataset as ds

PARQUET, JOURNAL = ".parquet", ".journal"
AT_ONCE = 32
"""Files that are read side by side: there are many small ones, and in an object store each costs some round trips."""
_DAY = re.compile(r"\d{4}-\d\d-\d\d")

_TEXTS, _FLOATS = pa.list_(pa.string()), pa.list_(pa.float32())
DETAIL = (
    pa.field("history_items", _TEXTS),
    pa.field("history_times", pa.list_(pa.int64())),
    pa.field("history_stores", _TEXTS),
    pa.field("history_quantities", _FLOATS),
    pa.field("history_prices", _FLOATS),
    pa.field("attributes", _TEXTS),
    pa.field("candidate_ids", _TEXTS),
    pa.field("candidate_scores", _FLOATS),
    pa.field("candidate_reasons", _TEXTS),
)
"""History oldest first, unix seconds, and the shopper's attributes as attribute=value; stores, quantities, prices and
attributes null where none is known and in older files. Candidates best first, all that were ranked, before rules and
re-ranking; empty on the rungs that rank nothing. Columns that a newer server writes besides are passed over."""
SCHEMA = pa.schema(
    [
        pa.field("request_id", pa.string()),  # the v2 id, else Ce-Id, else a new one
        pa.field("version", pa.string()),
        pa.field("user_id", pa.string()),
        pa.field("time_s", pa.int64()),  # the moment asked about, unix seconds
        pa.field("logged_s", pa.float64()),  # the server's clock at the answer, unix seconds
        pa.field("store_id", pa.string()),  # may be empty
        pa.field("k", pa.int32()),
        pa.field("route", pa.string()),  # model.request_log.routing_headers.Route; null in older files
        pa.field("rung", pa.string()),  # model.api.Rung
        pa.field("state", pa.string()),  # model.serving.history.lookup.Source
        pa.field("latency_ms", pa.float32()),
        pa.field("item_ids", _TEXTS),  # as shown, best first
        pa.field("scores", _FLOATS),
        pa.field("reasons", _TEXTS),
        pa.field("propensities", pa.list_(pa.float64())),  # empty where nothing was left to chance
        pa.field("k_new", pa.int32()),  # null in older files, as are the columns of the second shelf
        pa.field("new_item_ids", _TEXTS),  # the second shelf, of what is new to the shopper; null without one
        pa.field("new_scores", _FLOATS),
        pa.field("new_reasons", _TEXTS),
        pa.field("exclude", _TEXTS),
        pa.field("within", _TEXTS),  # attribute=value; null in older files
        pa.field("new_only", pa.bool_()),  # a list of what is new to the shopper; null in older files
        *DETAIL,
    ]
)


def read(
    place: Path | str,
    since_s: int | None = None,
    until_s: int | None = None,
    columns: Sequence[str] | None = None,
    also: Sequence[Route] = (),
) -> pa.Table:
    """The rows with since_s <= time_s < until_s, in the order in which they were answered.

    In an object store days that ended a day or more before since_s are not looked at: a request is logged when it is
    answered, and seldom asks about a later moment.

    Args:
        place: a directory, or s3://bucket/path.
        also: routes of APART whose rows are wanted too.
        columns: of SCHEMA, all when None. Columns that an older file lacks are null.

    Raises:
        InputError: no such directory or bucket, or a file in it is no request log.
    """
    needed = None if columns is None else list(dict.fromkeys([*columns, "logged_s"]))
    wanted = _wanted(since_s, until_s, [route for route in APART if route not in also])
    try:
        sources = _stored(str(place), since_s) if object_store.is_url(place) else _in_directory(Path(place))
        tables = [source.to_table(filter=wanted, columns=needed, fragment_readahead=AT_ONCE) for source in sources]
    except pa.ArrowException as error:
        raise InputError(
            f"request log: {place} has a file that cannot be read ({error!s:.200}); move it away"
        ) from None
    except OSError as error:
        if not object_store.is_url(place):
            raise
        raise object_store.unreadable(str(place), error) from None
    log = pa.concat_tables(tables).sort_by("logged_s")
    return log if columns is None else log.select(list(columns))


def _in_directory(directory: Path) -> "list[ds.Dataset]":
    import pyarrow.dataset as ds  # brings pandas, which those who only write do without

    if not directory.is_dir():
        raise InputError(f"request log: expected a directory at {directory}, found none")
    # Journals first: one that is finished meanwhile is then found as Parquet, and never read twice.
    journals = {path.stem: _journal(path) for path in sorted(directory.glob(f"*{JOURNAL}"))}
    files = sorted(directory.glob(f"*{PARQUET}"))
    finished = {path.stem for path in files}
    rows = ds.dataset([str(path) for path in files], schema=SCHEMA, format="parquet")
    return [rows, *(ds.dataset(part) for stem, part in journals.items() if stem not in finished)]


def _stored(url: str, since_s: int | None) -> "list[ds.Dataset]":
    import pyarrow.dataset as ds

    pa.set_io_thread_count(max(AT_ONCE, pa.io_thread_count()))
    store, paths = object_store.files(url)
    first = "" if since_s is None else str(datetime.fromtimestamp(since_s - DAY_S, UTC).date())
    wanted = [path for path in paths if path.endswith(PARQUET) and not _is_before(path, first)]
    return [ds.dataset(wanted, schema=SCHEMA, format="parquet", filesystem=store)]


def _is_before(path: str, first: str) -> bool:
    """Whether the file lies in a folder of a day before `first`."""
    folder = path.split("/")[-2]
    return _DAY.fullmatch(folder) is not None and folder < first


def sampled(request_id: str, percent: float) -> bool:
    """Whether this request is of the `percent` (0 to 100) that are logged in detail: the same answer everywhere."""
    digest = blake2b(request_id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") < percent / 100 * 2**64


def parsed(lines: bytes) -> pa.Table:
    """JSON lines as a table of SCHEMA; a last line without its end, and what is no JSON object, is left out."""
    whole = lines[: lines.rfind(b"\n") + 1].replace(b"\0", b"")  # a lost block of the disk; Arrow would stop there
    try:
        return _parsed(whole)
    except pa.ArrowInvalid:
        return _parsed(b"".join(line for line in whole.splitlines(keepends=True) if _is_object(line)))


def _parsed(lines: bytes) -> pa.Table:
    if not lines:
        return SCHEMA.empty_table()
    return pj.read_json(
        pa.BufferReader(lines),
        read_options=pj.ReadOptions(use_threads=False, block_size=len(lines)),
        parse_options=pj.ParseOptions(explicit_schema=SCHEMA, unexpected_field_behavior="ignore"),
    )


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _journal(path: Path) -> pa.Table:
    """Its rows so far; none when it was finished a moment ago."""
    try:
        return parsed(path.read_bytes())
    except FileNotFoundError:
        return SCHEMA.empty_table()


def _wanted(since_s: int | None, until_s: int | None, left_out: Sequence[str]) -> pc.Expression | None:
    """Those of the span, without the routes that are left out; None: all."""
    time_s, route = pc.field("time_s"), pc.field("route")
    limits = [time_s >= since_s] if since_s is not None else []
    limits += [time_s < until_s] if until_s is not None else []
    limits += [route.is_null() | ~route.isin(left_out)] if left_out else []
    return reduce(and_, limits) if limits else None
