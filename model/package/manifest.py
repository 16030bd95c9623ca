"""The manifest of a model directory: what it is, what it was made with, and a checksum of every file."""

import contextlib
import dataclasses
import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from model.data.personal_frequency import HALF_LIFE_DAYS
from model.data.schema import schema_digest
from model.data.task import TaskKind
from model.errors import ModelRefused
from model.files import combined_digest, read_json, tree_digests, write_json
from model.kernels.compiler import digest

NAME = "manifest.json"
TRAINING = "training.json"
"""How the model was trained (components/artifacts/training.py)."""
LIBRARIES = ("numba", "onnxruntime", "tensorflow", "tf-keras", "tensorflow-recommenders")
"""Whose versions are noted. Golden answers show whether others compute the same (model/package/golden.py)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Manifest:
    """`version` is the cut date and the digest of the files: equal content, equal version.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = (Path(folder) / "weights").write_text("1 2 3")
        ...     written = write_manifest(
        ...         Path(folder), kind="demo", cut_s=86_400, items=3, retrieved=0, ranked=3, index={}
        ...     )
        ...     verify(Path(folder)) == written, written.version[:10], list(written.files)
        (True, '1970-01-02', ['weights'])
    """

    version: str
    kind: str
    cut_s: int
    """Everything learned comes from before this moment, unix seconds."""
    items: int
    retrieved: int
    """Items to fetch from the index for each request; 0 without an index."""
    ranked: int
    """Candidates to score for each request."""
    index: dict[str, Any]
    """What kind it is, and how much of what is there an approximate one finds (model/package/vector_index.py)."""
    schema: str
    """Digest of the canonical schema it was trained on."""
    kernels: str
    """Digest of the kernels' source (model/kernels/compiler.py)."""
    libraries: dict[str, str]
    files: dict[str, str]
    """{relative path: SHA-256}."""
    score_is_probability: bool = False
    """A score is the probability of a purchase on this trip; else it only orders a list."""
    task: str = TaskKind.NEXT_BASKET
    """A TaskKind: what it recommends. One of what is new leaves the history out unless a request asks otherwise."""
    half_life_days: float = HALF_LIFE_DAYS
    """Of personal frequency, which answers where the model cannot (model/serving/fallback/ladder.py), days."""


def draft(**facts: Any) -> Manifest:
    """The manifest of a model whose files are not there yet: without a version and checksums.

    Args:
        facts: the fields of Manifest that do not follow from the files and this environment.
    """
    libraries = {name: installed(name) for name in LIBRARIES}
    return Manifest(version="", schema=schema_digest(), kernels=digest(), libraries=libraries, files={}, **facts)


def write_manifest(directory: Path, **facts: Any) -> Manifest:
    """Writes manifest.json over the files in `directory`. `facts`: as for `draft`."""
    files = tree_digests(directory)
    day = datetime.datetime.fromtimestamp(facts["cut_s"], datetime.UTC).date().isoformat()
    manifest = dataclasses.replace(draft(**facts), version=f"{day}-{combined_digest(files)[:12]}", files=files)
    write_json(directory / NAME, dataclasses.asdict(manifest))
    return manifest


def read_manifest(directory: Path) -> Manifest:
    """Raises ModelRefused when there is no readable manifest."""
    try:
        return Manifest(**read_json(directory / NAME))
    except (OSError, ValueError, TypeError) as error:
        raise ModelRefused(
            f"{directory}: expected a model directory with {NAME}, got none readable ({error})"
        ) from None


def verify(directory: Path) -> Manifest:
    """The manifest, once every file and the schema agree with it.

    Raises:
        ModelRefused: naming the first thing that is off.
    """
    manifest = read_manifest(directory)
    digests = tree_digests(directory)
    digests.pop(NAME, None)
    for path in sorted(set(manifest.files) | set(digests)):
        if manifest.files.get(path) != digests.get(path):
            state = (
                "missing" if path not in digests else "not in the manifest" if path not in manifest.files else "altered"
            )
            raise ModelRefused(
                f"{directory / path}: {state}; the checksum in {NAME} does not hold, push the model again"
            )
    if manifest.schema != schema_digest():
        raise ModelRefused(f"{directory}: made for another canonical schema ({manifest.schema[:12]}); train it again")
    return manifest


def installed(name: str) -> str:
    """Version of a library, also where it is installed as NAME-cpu; "none" where it is not installed."""
    for package in (name, f"{name}-cpu"):
        with contextlib.suppress(PackageNotFoundError):
            return version(package)
    return "none"
