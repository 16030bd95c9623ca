"""The files of a pipeline's workers: where inputs are read and results are written.

Without `beam.work_dir` they stay where they are, on one machine. With it they are copied to and from a directory of
their own there, by Beam's file systems, and are gone afterwards.
"""

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from model.errors import InputError
from tfx_configs.beam import BeamSettings

AS_IS = CompressionTypes.UNCOMPRESSED


class SharedFiles:
    """A directory that this process and all workers see."""

    def __init__(self, address: str, is_remote: bool) -> None:
        self._address, self._is_remote = address, is_remote

    def place(self, name: str) -> str:
        """The path or address of a file or directory in it."""
        return FileSystems.join(self._address, *name.split("/"))

    def offered(self, path: Path, name: str) -> str:
        """Where the workers read a file, or the files of a directory, of this process; `name` is not used twice."""
        if not self._is_remote:
            return str(path)
        target = self.place(name)
        for file, address in [(path, target)] if path.is_file() else _in(path, target):
            with file.open("rb") as source, FileSystems.create(address, compression_type=AS_IS) as copy:
                shutil.copyfileobj(source, copy)
        return target

    def fetch(self, name: str, out: Path) -> None:
        """Copies what the workers wrote in the directory `name` into the local directory `out`."""
        root = self.place(name)
        for stored in FileSystems.match([root + "/**"])[0].metadata_list:
            target = out / stored.path.removeprefix(root).lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            with FileSystems.open(stored.path, compression_type=AS_IS) as source, target.open("wb") as copy:
                shutil.copyfileobj(source, copy)


def _in(folder: Path, target: str) -> list[tuple[Path, str]]:
    FileSystems.mkdirs(target)
    return [(file, FileSystems.join(target, file.name)) for file in sorted(folder.iterdir())]


@contextmanager
def shared_files(beam: BeamSettings) -> Iterator[SharedFiles]:
    """A directory for one pipeline, removed afterwards. Raises InputError when `beam.work_dir` cannot be written."""
    if not beam.work_dir:
        with tempfile.TemporaryDirectory(prefix="aisle-beam-") as scratch:
            yield SharedFiles(scratch, is_remote=False)
        return
    address = FileSystems.join(beam.work_dir, f"aisle-{uuid.uuid4().hex}")
    try:
        FileSystems.mkdirs(address)
    except Exception as error:  # each file system has errors of its own
        raise InputError(
            f"beam.work_dir: expected a directory or address that can be written, got {beam.work_dir} ({error}); "
            "name one that this step and all workers see"
        ) from error
    try:
        yield SharedFiles(address, is_remote=True)
    finally:
        with suppress(Exception):  # what is left there harms no run
            FileSystems.delete([address])
