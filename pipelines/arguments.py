"""Checks of what options name, before anything else is done: numbers, settings, files, directories, models."""

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from typer import BadParameter

from model.errors import InputError, ModelRefused
from tfx_configs.frozen import Settings, SettingsError
from tfx_configs.overrides import Tree

STDERR = 2


def number(text: str) -> float:
    """A float that is neither infinite nor "nan"."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadParameter(f"expected a number, got {text!r}")
    return value


def settings_in(option: str, path: Path | None, kind: type[Settings]) -> Tree:
    """The settings in a JSON or YAML file, empty without a file. Raises InputError when `kind` refuses them."""
    if path is None:
        return {}
    try:
        text = path.read_text(encoding="utf-8")
        tree = _parsed(text)
        kind.from_dict(tree)
    except OSError as error:
        reason = f"cannot read it ({error.strerror})"
    except UnicodeDecodeError:
        reason = "it is not text"
    except SettingsError as error:
        reason = str(error)
    else:
        return tree
    raise InputError(f"{option}: expected {kind.__name__} as JSON or YAML in {path}: {reason}")


def _parsed(text: str) -> Tree:
    import yaml

    try:
        tree: Tree = json.loads(text)
    except json.JSONDecodeError:
        try:
            tree = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise SettingsError(" ".join(str(error).split())) from None
    return tree


def writable_file(option: str, path: Path | None) -> None:
    """Raises InputError when `path` cannot become a file: it is a directory, or a part of it is no directory."""
    if path is None:
        return
    if path.is_dir():
        raise InputError(f"{option}: expected a file to write, {path} is a directory; name a file in it")
    writable_directory(option, path.parent)


def writable_directory(option: str, path: Path) -> None:
    """Raises InputError when `path` neither is a directory nor can be made one; makes nothing."""
    there = next(part for part in (path, *path.parents) if part.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        reason = "no right to write there" if there.is_dir() else f"{there} is a file"
        raise InputError(f"{option}: expected a directory to write to, got {path} ({reason}); choose another")


def model_in(option: str, directory: Path, rules: Path | None = None) -> None:
    """Raises InputError when there is no sound model directory, or the rules file is none for it.

    As model.package.loaded_model.load does it, but without TensorFlow, which takes seconds and talks on standard error.
    """
    from model.package.manifest import verify
    from model.rerank.item_attributes import ItemValues
    from model.rerank.policy import ITEMS, RerankPolicy, packaged_rerank

    try:
        verify(directory)
        RerankPolicy(packaged_rerank(directory), ItemValues(directory / ITEMS), rules)
    except ModelRefused as error:
        raise InputError(f"{option}: {error}") from None


def examples_in(option: str, directory: Path) -> None:
    """Raises InputError when there are no trips or no catalog of the examples stage in `directory`."""
    from model.data.catalog import Catalog
    from model.data.trips import Trips

    missing = [name for name in (Trips.DIRECTORY, Catalog.DIRECTORY) if not (directory / name / "meta.json").is_file()]
    if missing:
        raise InputError(f"{option}: expected an examples artifact with {missing[0]} in it, found none at {directory}")


@contextmanager
def quiet() -> Iterator[None]:
    """Hides what TensorFlow's libraries write to standard error while they are loaded; errors are raised."""
    stderr, nowhere = os.dup(STDERR), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, STDERR)
        yield
    finally:
        os.dup2(stderr, STDERR)
        os.close(stderr)
        os.close(nowhere)
