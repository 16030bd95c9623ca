"""`python -m model.serving.request_log.shipper`: takes finished files of the request log (model/request_log/reader.py)
to an object store.

It runs beside the servers that write to the directory, as a process of its own, and alone has the store's keys. A file
goes to {to}/{day}/{host}-{name}, where day is that on which it was finished (UTC); it is looked at there, and only then
deleted here. Killed in between, the next one uploads the same bytes under the same name. Journals that a killed server
left become Parquet first.

While the store is away files stay, and it is asked again, less and less often; the server bounds what may wait
(`--log-keep-mb`). SIGTERM comes to server and shipper together: the shipper goes on until no server writes any more and
everything is shipped, at most for `--linger-s`.
"""

import logging
import socket
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from pyarrow import fs
from pydantic import Field

from model.errors import AisleError
from model.files import is_held
from model.serving.request_log.spool import Waiting, adopt_journals, waiting
from model.system.end_signals import end_signals
from model.system.object_store import open_url, reason
from model.system.program_options import parse_options
from tfx_configs.frozen import NotNegative, Positive, Settings

LONGEST_S = 60.0
"""Between two tries while the store is away."""
ENDING_S = 0.5
"""Between two passes after SIGTERM, seconds."""
TROUBLE = (OSError, pa.ArrowException)

_log = logging.getLogger(__name__)


class Options(Settings):
    """What is shipped where.

    Example:
        >>> Options(directory=Path("log"), to="s3://logs/shop").linger_s
        30.0
    """

    directory: Path = Field(title="from")
    """Directory of the request log."""
    to: str
    """s3://bucket/path; its endpoint and keys: AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY."""
    host: str = Field(default_factory=socket.gethostname)
    """This directory's files are called by it, so that those of two machines never meet."""
    every_s: Positive = 5.0
    """Between two passes, seconds."""
    linger_s: NotNegative = 30.0
    """Longest time after SIGTERM, seconds."""


def main(argv: Sequence[str] | None = None) -> int:
    """Ships until SIGTERM; returns 0, 1 when something is left behind, 2 for bad arguments with one line on stderr."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        options = parse_options(Options, "model.serving.request_log.shipper", __doc__, argv)
        store, path = open_url(options.to, attempts=1)
    except AisleError as error:
        print(f"aisle shipper: {error}", file=sys.stderr)
        return error.exit_code
    with end_signals() as ended:
        return 0 if run(options, store, path, ended) else 1


def run(options: Options, store: fs.FileSystem, path: str, end_requested: Callable[[float], bool]) -> bool:
    """Ships until it is asked to end and then what is left. Returns whether everything went.

    Args:
        path: on the store, under which the files go.
        end_requested: waits so many seconds for it.
    """
    _log.info("request log: shipping from %s to %s as %s", options.directory, options.to, options.host)
    options.directory.mkdir(parents=True, exist_ok=True)
    away, pause_s, ends_s = False, options.every_s, None
    while True:
        written_to = is_held(options.directory)
        try:
            ship(options.directory, store, path, options.host)
            if away:
                _log.info("request log: %s takes files again", options.to)
            away, pause_s = False, options.every_s
        except TROUBLE as error:
            if not away:
                count = len(waiting(options.directory))
                _log.error("request log: %s takes no file, %d wait; trying again: %s", options.to, count, reason(error))
            away, pause_s = True, min(2 * pause_s, LONGEST_S)
        if ends_s is None:
            if end_requested(pause_s):
                ends_s = time.monotonic() + options.linger_s
        elif not (written_to or away):
            return True
        elif time.monotonic() > ends_s:
            count = len(waiting(options.directory))
            _log.error("request log: %.0f s after the end %d files are still here", options.linger_s, count)
            return False
        else:
            time.sleep(ENDING_S)


def ship(directory: Path, store: fs.FileSystem, path: str, host: str) -> None:
    """Uploads and deletes all that is finished, oldest first.

    Raises OSError or pa.ArrowException when the store does not take a file: that one and those after it stay.
    """
    adopt_journals(directory)
    for file in waiting(directory):
        try:
            content = file.path.read_bytes()
        except FileNotFoundError:
            continue  # the server gave it up
        _upload(store, f"{path}/{name_of(file, host)}", content)
        file.path.unlink(missing_ok=True)


def name_of(file: Waiting, host: str) -> str:
    """{day}/{host}-{name}: the same however often it is asked."""
    return f"{datetime.fromtimestamp(file.finished_s, UTC).date()}/{host}-{file.path.name}"


def _upload(store: fs.FileSystem, target: str, content: bytes) -> None:
    with store.open_output_stream(target) as out:
        out.write(content)  # at once: nothing of a file that could not be read to its end gets there
    there = store.get_file_info(target)
    if there.size != len(content):
        raise OSError(f"{target}: expected {len(content)} bytes there, found {there.size}")


if __name__ == "__main__":
    sys.exit(main())
