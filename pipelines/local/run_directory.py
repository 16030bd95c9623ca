"""The files of a run, all below one directory that may be moved, what its pipeline left there, and the lock on it."""

import dataclasses
import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from components.artifacts.artifact import Artifact
from model.errors import InputError
from model.files import read_json, write_json
from tfx_configs.settings import RunSettings

PIPELINE = "pipeline"


class _Below:
    """A path of Paths, at `place` below the run's directory."""

    def __init__(self, place: str) -> None:
        self.place = place

    def __get__(self, paths: "Paths", _: type) -> Path:
        return paths.out / self.place


@dataclasses.dataclass(frozen=True, kw_only=True)
class Paths:
    """Files and directories of a run in `out`."""

    out: Path
    cache_of: Path | None = None
    """Directory of another run whose cache this one uses; None: its own."""

    registry = _Below("registry")
    next_registry = _Below("registry.next")
    """What a demo fills; it takes the registry's place when the run has come to its end."""
    rollout = _Below("rollout")
    shadow = _Below("shadow")
    """What `aisle rollout shadow` leaves: its comparison, request log and store."""
    store = _Below("rollout/store")
    """Live state of the servers."""
    pipeline_root = _Below(PIPELINE)
    request = _Below("request.json")
    """PipelineRequest of the last pipeline."""
    result = _Below("result.json")
    """RunOutputs of the last pipeline that came to its end."""
    progress = _Below("progress.jsonl")
    """What the stages of the last pipeline reported, JSON lines."""
    log = _Below("pipeline.log")
    summary = _Below("summary.json")
    outputs = _Below("outputs.json")
    """RunOutputs of the pipeline that the summary and the report are about."""
    monitoring = _Below("monitoring")
    """What the monitor compares with, its results, and the record of training runs."""
    report = _Below("report.html")

    @property
    def cache(self) -> Path:
        return (self.cache_of or self.out) / "cache"


class PipelineRequest(Artifact, file="request.json", stage="aisle train"):
    """What the pipeline's process is asked to run, in the directory that the file is in."""

    arguments: dict[str, str]
    """Of the training pipeline."""
    cache_root: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunOutputs:
    """Where the stages of a pipeline left their results: outputs["evaluation"] is a path that exists.

    In the file they are relative to the run's directory, so that the run can be moved.
    """

    run: Path
    """Directory of the run."""
    stored: Mapping[str, str]
    """{output name: path}, absolute only where it lies outside the run."""

    @classmethod
    def of(cls, run: Path, paths: Mapping[str, str]) -> "RunOutputs":
        """Those of a pipeline that left its results at `paths`."""
        base = run.resolve()
        return cls(run=base, stored={name: _relative(Path(path), base) for name, path in paths.items()})

    @classmethod
    def load(cls, run: Path, *files: Path) -> "RunOutputs":
        """Those in the first of the files that exists. Raises InputError when there is none, or it is unreadable."""
        file = next((file for file in files if file.is_file()), files[0])
        try:
            return cls(run=run.resolve(), stored=dict(read_json(file)))
        except (OSError, ValueError, TypeError):
            raise _no_run(run) from None

    def save(self, file: Path) -> None:
        """Writes the file that `load` reads."""
        write_json(file, self.stored)

    def __getitem__(self, name: str) -> Path:
        """Raises InputError, which names the output, when the run has none or it is not where it was left."""
        if name not in self.stored:
            raise InputError(f"{self.run}: expected the output {name} of a finished run, it lists none")
        path = self._path(self.stored[name])
        if not path.exists():
            raise InputError(f"{self.run}: expected its output {name} at {path}, found none; copy the whole run")
        return path

    def below(self, run: Path) -> "RunOutputs":
        """The same results as outputs of another run."""
        return self.of(run, {name: str(self.run / stored) for name, stored in self.stored.items()})

    def _path(self, stored: str) -> Path:
        """Earlier runs stored absolute paths: what lies below the run now comes first, as after a move."""
        parts = Path(stored).parts
        if Path(stored).is_absolute() and PIPELINE in parts:
            moved = self.run.joinpath(*parts[len(parts) - 1 - parts[::-1].index(PIPELINE) :])
            if moved.exists():
                return moved
        return self.run / stored


def _relative(path: Path, base: Path) -> str:
    path = path.resolve()
    return str(path.relative_to(base) if path.is_relative_to(base) else path)


def settings_of(paths: Paths) -> RunSettings:
    """Settings of the last pipeline of the run. Raises InputError when none has run there."""
    try:
        return RunSettings.from_json(PipelineRequest.load(paths.out).arguments["settings"])
    except (ValueError, KeyError):
        raise _no_run(paths.out) from None


def _no_run(run: Path) -> InputError:
    return InputError(f"{run}: expected a finished run, found none; run `aisle train` or `aisle demo`")


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
