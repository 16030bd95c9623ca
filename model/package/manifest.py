"""The manifest of a model directory: what it is, what it was made with, and a checksum of every file."""

import contextlib
import dataclasses
import datetime
import re
import stat
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from model.data.personal_frequency import HALF_LIFE_DAYS
from model.data.schema import schema_digest
from model.data.task import TaskKind
from model.errors import ModelRefused
from model.files import combined_digest, file_digest, read_json, write_json
from model.kernels.compiler import digest
from model.package.signature import SUFFIX, sign_if_asked, trusted_key

NAME = "manifest.json"
SIGNATURE = NAME + SUFFIX
DIGITS = 20
"""Of the digest in a version: 80 bits, so that no other content can be found for a given version."""
VERSION = re.compile(rf"\d{{4}}-\d\d-\d\d-[0-9a-f]{{{DIGITS}}}")
PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
"""A name of a file or directory in a model."""
TRAINING = "training.json"
"""How the model was trained (components/artifacts/training.py)."""
LIBRARIES = ("numba", "onnxruntime", "tensorflow", "tf-keras", "tensorflow-recommenders")
"""Whose versions are noted. Golden answers show whether others compute the same (model/package/golden.py)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Manifest:
    """`version` is the cut date and the digest of all else, the files included: equal content, equal version.

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
    """Of personal frequency, which answers where the model cannot (model/serving/fallback/unranked.py), days."""


def draft(**facts: Any) -> Manifest:
    """The manifest of a model whose files are not there yet: without a version and checksums.

    Args:
        facts: the fields of Manifest that do not follow from the files and this environment.
    """
    libraries = {name: installed(name) for name in LIBRARIES}
    return Manifest(version="", schema=schema_digest(), kernels=digest(), libraries=libraries, files={}, **facts)


def write_manifest(directory: Path, **facts: Any) -> Manifest:
    """Writes manifest.json over the files in `directory`, and signs it where this process has a key
    (model/package/signature.py). `facts`: as for `draft`."""
    (directory / SIGNATURE).unlink(missing_ok=True)
    manifest = dataclasses.replace(draft(**facts), files=_content(directory))
    manifest = dataclasses.replace(manifest, version=version_of(manifest))
    write_json(directory / NAME, dataclasses.asdict(manifest))
    sign_if_asked(directory / NAME, manifest.version)
    return manifest


def version_of(manifest: Manifest) -> str:
    """The version that the manifest has to have: the cut date, and the digest of all its other fields. Those name the
    digest of every file, so nothing can change without another version."""
    fields = dataclasses.asdict(manifest)
    del fields["version"]
    day = datetime.datetime.fromtimestamp(manifest.cut_s, datetime.UTC).date().isoformat()
    return f"{day}-{combined_digest(fields)[:DIGITS]}"


def read_manifest(directory: Path) -> Manifest:
    """Raises ModelRefused when there is no readable manifest."""
    try:
        return Manifest(**read_json(directory / NAME))
    except (OSError, ValueError, TypeError) as error:
        raise ModelRefused(
            f"{directory}: expected a model directory with {NAME}, got none readable ({error})"
        ) from None


def verify(directory: Path, expected: str = "") -> Manifest:
    """The manifest, once every file, the version, the signature where this process asks for one, and the schema agree
    with it.

    Args:
        expected: the version, from what asked for it: the registry, or the declared service. Empty: that which the
            directory is named after, as in a registry; of one with another name it is shown that nothing is damaged,
            and not that this is the model which was asked for.

    Raises:
        ModelRefused: naming the first thing that is off.
    """
    manifest = read_manifest(directory)
    if not VERSION.fullmatch(str(manifest.version)):
        raise ModelRefused(f"{directory}: version {manifest.version!r:.40} is of another release; train it again")
    digests = _content(directory)
    for path in sorted(set(manifest.files) | set(digests)):
        if manifest.files.get(path) != digests.get(path):
            state = (
                "missing" if path not in digests else "not in the manifest" if path not in manifest.files else "altered"
            )
            raise ModelRefused(
                f"{directory / path}: {state}; the checksum in {NAME} does not hold, push the model again"
            )
    try:
        version = version_of(manifest)
    except (TypeError, ValueError, OverflowError) as error:
        raise ModelRefused(f"{directory / NAME}: expected the fields of a manifest ({error!s:.80})") from None
    if version != manifest.version:
        raise ModelRefused(f"{directory / NAME}: altered; its content is {version}, it claims to be {manifest.version}")
    expected = expected or (directory.name if VERSION.fullmatch(directory.name) else "")
    if expected and version != expected:
        raise ModelRefused(f"{directory}: expected model {expected}, got {version}; see what was put in its place")
    if (key := trusted_key()) is not None:
        key.check(directory / NAME)
    if manifest.schema != schema_digest():
        raise ModelRefused(f"{directory}: made for another canonical schema ({manifest.schema[:12]}); train it again")
    return manifest


def _content(directory: Path) -> dict[str, str]:
    """{path: SHA-256} of every file but the manifest and its signature. Raises ModelRefused on anything that is neither
    a plain file nor a directory, and on a name that another system could read as another one."""
    digests = {}
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        mode = path.lstat().st_mode
        if not PART.fullmatch(path.name):
            raise ModelRefused(f"{directory}: expected names of letters, digits and . _ -, got {name!r:.100}")
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise ModelRefused(f"{path}: expected a file, got a link or a special file")
        if stat.S_ISREG(mode) and name not in (NAME, SIGNATURE):
            digests[name] = file_digest(path)
    return digests


def installed(name: str) -> str:
    """Version of a library, also where it is installed as NAME-cpu; "none" where it is not installed."""
    for package in (name, f"{name}-cpu"):
        with contextlib.suppress(PackageNotFoundError):
            return version(package)
    return "none"
