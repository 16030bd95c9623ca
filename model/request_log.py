"""The request log: one row for each answered request, as Parquet, and how it is read.

A directory holds any number of files, from any number of server processes:

    {version}-{pid}-{start}-{number}.parquet   finished, never changed again
    {version}-{pid}-{start}-{number}.journal   JSON lines, still written to, or left by a process that was killed

A journal becomes the Parquet file of the same name. Only this module and the writer (model/serving/journal.py) know of
journals; everybody else calls `read`, which has every row some milliseconds after its answer.

Detail is there for a share of the requests (`sampled`) and null for the others: the history exactly as the model was
given it, and what it ranked. The features as seen are not stored: the model is a pure function of history, moment,
store and catalog, so the history, the row's other columns and the version's model directory give them again.
"""

import json
from collections.abc import Sequence
from functools import reduce
from hashlib import blake2b
from operator import and_
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.json as pj

from model.errors import InputError

PARQUET, JOURNAL = ".parquet", ".journal"

_TEXTS, _FLOATS = pa.list_(pa.string()), pa.list_(pa.float32())
DETAIL = (
    pa.field("history_items", _TEXTS),
    pa.field("history_times", pa.list_(pa.int64())),
    pa.field("candidate_ids", _TEXTS),
    pa.field("candidate_scores", _FLOATS),
    pa.field("candidate_reasons", _TEXTS),
)
"""History oldest first, unix seconds. Candidates best first, all that were ranked, before rules and re-ranking; empty
on the rungs that rank nothing."""
SCHEMA = pa.schema(
    [
        pa.field("request_id", pa.string()),  # the v2 id, else Ce-Id, else a new one
        pa.field("version", pa.string()),
        pa.field("user_id", pa.string()),
        pa.field("time_s", pa.int64()),  # the moment asked about, unix seconds
        pa.field("logged_s", pa.float64()),  # the server's clock at the answer, unix seconds
        pa.field("store_id", pa.string()),  # may be empty
        pa.field("k", pa.int32()),
        pa.field("route", pa.string()),  # model.headers.Route; null in older files
        pa.field("rung", pa.string()),  # model.serving.rungs.Rung
        pa.field("state", pa.string()),  # model.serving.state.Source
        pa.field("latency_ms", pa.float32()),
        pa.field("item_ids", _TEXTS),  # as shown, best first
        pa.field("scores", _FLOATS),
        pa.field("reasons", _TEXTS),
        pa.field("propensities", pa.list_(pa.float64())),  # empty where nothing was left to chance
        pa.field("exclude", _TEXTS),
        *DETAIL,
    ]
)


def read(
    directory: Path,
    since_s: int | None = None,
    until_s: int | None = None,
    columns: Sequence[str] | None = None,
    shadows: bool = False,
) -> pa.Table:
    """The rows with since_s <= time_s < until_s, in the order in which they were answered.

    Args:
        shadows: also answers to mirrored copies, which no shopper ever saw.
        columns: of SCHEMA, all when None. Columns that an older file lacks are null.

    Raises:
        InputError: no such directory, or a file in it is no request log.
    """
    if not directory.is_dir():
        raise InputError(f"request log: expected a directory at {directory}, found none")
    try:
        # Journals first: one that is finished meanwhile is then found as Parquet, and never read twice.
        journals = {path.stem: _journal(path) for path in sorted(directory.glob(f"*{JOURNAL}"))}
        files = sorted(directory.glob(f"*{PARQUET}"))
        finished = {path.stem for path in files}
        sources = [found for stem, found in journals.items() if stem not in finished]
        rows = ds.dataset([str(path) for path in files], schema=SCHEMA, format="parquet")
        tables = [
            part.to_table(filter=_wanted(since_s, until_s, shadows)) for part in (rows, *map(ds.dataset, sources))
        ]
    except pa.ArrowException as error:
        raise InputError(f"request log: {directory} has a file that is none ({error!s:.200}); move it away") from None
    found = pa.concat_tables(tables).sort_by("logged_s")
    return found if columns is None else found.select(list(columns))


def sampled(request_id: str, percent: float) -> bool:
    """Whether this request is of the `percent` (0 to 100) that are logged in detail: the same answer everywhere."""
    digest = blake2b(request_id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") < percent / 100 * 2**64


def parsed(lines: bytes) -> pa.Table:
    """JSON lines as a table of SCHEMA; a last line without its end, and what is no JSON object, is left out."""
    whole = lines[: lines.rfind(b"\n") + 1].replace(b"\0", b"")  # a lost block of the disk; Arrow would stop there
    if not whole:
        return SCHEMA.empty_table()
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


def _wanted(since_s: int | None, until_s: int | None, shadows: bool) -> ds.Expression | None:
    time_s, route = ds.field("time_s"), ds.field("route")
    limits = [time_s >= since_s] if since_s is not None else []
    limits += [time_s < until_s] if until_s is not None else []
    limits += [] if shadows else [route.is_null() | (route != "shadow")]
    return reduce(and_, limits) if limits else None
