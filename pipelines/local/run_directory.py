"""Where a run keeps what, everything below one directory, and the lock on it."""

import dataclasses
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model.errors import InputError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Paths:
    """Files and directories of a run in `out`."""

    out: Path
    cache_of: Path | None = None
    """Directory of another run whose cache this one uses; None: its own."""

    @property
    def registry(self) -> Path:
        return self.out / "registry"

    @property
    def next_registry(self) -> Path:
        """What a demo fills; it takes the registry's place when the run has come to its end."""
        return self.out / "registry.next"

    @property
    def rollout(self) -> Path:
        return self.out / "rollout"

    @property
    def shadow(self) -> Path:
        """What `aisle rollout shadow` leaves: its comparison, request log and store."""
        return self.out / "shadow"

    @property
    def store(self) -> Path:
        """Live state of the servers."""
        return self.rollout / "store"

    @property
    def pipeline_root(self) -> Path:
        return self.out / "pipeline"

    @property
    def cache(self) -> Path:
        return (self.cache_of or self.out) / "cache"

    @property
    def request(self) -> Path:
        """What the pipeline's process is asked to do."""
        return self.out / "request.json"

    @property
    def result(self) -> Path:
        """{output name: path} of the last pipeline that came to its end."""
        return self.out / "result.json"

    @property
    def progress(self) -> Path:
        """What the stages of the last pipeline said, JSON lines."""
        return self.out / "progress.jsonl"

    @property
    def log(self) -> Path:
        return self.out / "pipeline.log"

    @property
    def summary(self) -> Path:
        return self.out / "summary.json"

    @property
    def outputs(self) -> Path:
        """{output name: path} of the pipeline that the summary and the report are about."""
        return self.out / "outputs.json"

    @property
    def monitoring(self) -> Path:
        """What the monitor compares with, its results, and the record of training runs."""
        return self.out / "monitoring"

    @property
    def report(self) -> Path:
        return self.out / "report.html"


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Holds `out` for one run; raises InputError when another has it, or when it cannot be a directory."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = (out / ".lock").open("w")
    except OSError as error:
        raise InputError(f"{out}: expected a directory to write to ({error.strerror}); choose another --out") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{out}: another run is using it; wait for it or choose another --out") from None
        yield
