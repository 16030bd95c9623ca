"""What both engines must know of a file before they read it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from model.errors import InputError


def one_line(error: Exception) -> str:
    """The error's message without line breaks."""
    return " ".join(str(error).split())


@contextmanager
def readable(path: Path, kind: str) -> Iterator[None]:
    """Turns any error of an engine about a file it cannot read into one InputError."""
    try:
        yield
    except Exception as error:  # each engine has errors of its own for unreadable files
        reason = one_line(error)[:160]
        raise InputError(f"{path}: expected a readable {kind} file ({reason}); write it again") from error


def nanoseconds(path: Path) -> list[str]:
    """Columns stored in nanoseconds (what pandas writes). Engines take them for other things, or round them up."""
    file = path if path.is_file() else next(path.rglob("*.parquet"))
    stamps = [field for field in pq.read_schema(file) if pa.types.is_timestamp(field.type)]
    return [field.name for field in stamps if field.type.unit == "ns"]
