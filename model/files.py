"""Atomic writes and content digests: a reader sees the old file or the new one, never half of one."""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from model.errors import InputError


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yields an empty sibling file that takes the place of `path` when the block ends without an error.

    On an error the sibling is removed and what is at `path` stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    fresh = Path(name)
    try:
        yield fresh
        os.fsync(handle)
        os.fchmod(handle, 0o644)
        os.replace(fresh, path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Replaces `path` with `text` in one step."""
    with atomic_file(path) as fresh:
        fresh.write_text(text, encoding="utf-8")


def write_changed(texts: Mapping[Path, str], check: bool = False) -> list[Path]:
    """Writes the files whose text differs; returns their paths. With `check` nothing is written."""
    changed = [path for path, text in texts.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in () if check else changed:
        write_text(path, texts[path])
    return changed


def write_json(path: Path, value: Any) -> None:
    """Replaces `path` with `value` as indented JSON; NaN is refused (it is not JSON)."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@contextmanager
def atomic_directory(path: Path) -> Iterator[Path]:
    """Yields an empty sibling directory that takes the place of `path` when the block ends without an error.

    On an error the sibling is removed and what stood at `path` stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.new."))
    try:
        yield fresh
        os.chmod(fresh, 0o755)
        if path.exists():
            old = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.old."))
            os.replace(path, old / "was")
            os.replace(fresh, path)
            shutil.rmtree(old)
        else:
            os.replace(fresh, path)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds the lock file `path`, which is made when it is missing; other callers wait until the block ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def hold(directory: Path) -> int:
    """Marks the directory as used by this process, until the handle is closed, or the process has ended. It is made
    where it is missing."""
    while True:
        directory.mkdir(parents=True, exist_ok=True)
        handle = os.open(directory, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_SH)
        with suppress(OSError):
            if os.path.samestat(os.fstat(handle), os.stat(directory)):
                return handle
        os.close(handle)  # it was removed before it was held


def is_held(directory: Path) -> bool:
    """Whether any process uses the directory."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def remove_unused(directory: Path) -> None:
    """Removes a directory with all below it; nothing where there is none. Raises InputError as `unused`."""
    with unused(directory):
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def unused(directory: Path) -> Iterator[None]:
    """Within the block no process begins to use the directory, or one below it.

    Raises InputError where one uses it; then the block has not begun.
    """
    handles = []
    try:
        for path in (directory, *sorted(directory.rglob("*"))):
            if not path.is_dir():
                continue
            handles.append(os.open(path, os.O_RDONLY))
            try:
                fcntl.flock(handles[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(f"{path}: a running server uses it; stop that first") from None
        yield
    finally:
        for handle in handles:
            os.close(handle)


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, as hex."""
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def tree_digests(root: Path) -> dict[str, str]:
    """{path relative to root: SHA-256} of every file under root, in sorted order."""
    files = sorted(p for p in root.rglob("*") if p.is_file())
    return {p.relative_to(root).as_posix(): file_digest(p) for p in files}


def combined_digest(parts: Mapping[str, Any]) -> str:
    """One SHA-256 over named values, independent of the order they were given in."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
