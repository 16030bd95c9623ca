"""A model directory is refused when anything in it differs from its manifest."""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from model.errors import ModelRefused
from model.files import read_json, write_json, write_text
from model.kernels.compiler import digest
from model.package.manifest import NAME, read_manifest, verify, version_of
from tests.model.model_directory import with_fields, write_model


def change(**fields: Any) -> Callable[[Path], None]:
    """Rewrites fields of the manifest."""
    return lambda directory: write_json(directory / NAME, read_json(directory / NAME) | fields)


DAMAGE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "altered": (lambda d: write_text(d / "saved_model" / "weights", "1.1"), "saved_model/weights: altered"),
    "missing": (lambda d: (d / "training.json").unlink(), "training.json: missing"),
    "extra": (lambda d: write_text(d / "more.py", "boo"), "more.py: not in the manifest"),
    "another field": (change(items=4), "manifest.json: altered; its content is 2017-12-04-"),
    "another version": (change(version="2017-12-04-" + "0" * 20), "it claims to be 2017-12-04-00000000000000000000"),
    "a version of an earlier release": (change(version="2017-12-04-" + "0" * 12), "is of another release"),
    "a link": (lambda d: (d / "link").symlink_to("training.json"), "link: expected a file, got a link"),
    "a link to a directory": (lambda d: (d / "link").symlink_to("saved_model"), "link: expected a file, got a link"),
    "a pipe": (lambda d: os.mkfifo(d / "pipe"), "pipe: expected a file, got a link or a special file"),
    "a hidden file": (lambda d: write_text(d / ".hidden", "x"), "expected names of letters, digits and . _ -"),
    "a name with a line end": (lambda d: write_text(d / "a\nb", "x"), "expected names of letters, digits and . _ -"),
    "another schema": (lambda d: with_fields(d, schema="0" * 64), "made for another canonical schema (000000000000)"),
    "no manifest": (lambda d: (d / NAME).unlink(), "expected a model directory with manifest.json"),
    "half a manifest": (lambda d: write_text(d / NAME, '{"version": '), "expected a model directory with"),
    "another program's manifest": (lambda d: write_text(d / NAME, '{"name": "x"}'), "expected a model directory with"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_directory_is_refused_with_one_line(tmp_path: Path, name: str) -> None:
    damage, message = DAMAGE[name]
    write_model(tmp_path / "m", "1.0")
    damage(tmp_path / "m")
    with pytest.raises(ModelRefused) as refused:
        verify(tmp_path / "m")
    assert message in str(refused.value) and "\n" not in str(refused.value)


def test_an_untouched_directory_verifies_and_gives_its_manifest(tmp_path: Path) -> None:
    version = write_model(tmp_path / "m", "1.0")
    manifest = verify(tmp_path / "m")
    assert manifest == read_manifest(tmp_path / "m")
    assert manifest.version == version and version.startswith("2017-12-04-")
    assert set(manifest.files) == {"saved_model/weights", "training.json"}
    assert manifest.libraries["tensorflow"].startswith("2.")


def test_equal_content_has_an_equal_version_and_other_content_another(tmp_path: Path) -> None:
    versions = [write_model(tmp_path / name, content) for name, content in (("a", "1"), ("b", "1"), ("c", "2"))]
    assert versions[0] == versions[1] != versions[2]


@pytest.mark.parametrize("release", ["99", "1.15.0", "none"])
def test_other_libraries_and_other_kernels_are_noted_and_no_reason_to_refuse(tmp_path: Path, release: str) -> None:
    """Whether they compute the same is asked by golden answers (test_golden.py)."""
    write_model(tmp_path / "m", "1.0")
    libraries = dict.fromkeys(read_manifest(tmp_path / "m").libraries, release)
    with_fields(tmp_path / "m", libraries=libraries, kernels="0" * 64)
    manifest = verify(tmp_path / "m")
    assert manifest.libraries == libraries and manifest.kernels == "0" * 64


def test_the_manifest_notes_the_kernels_and_what_runs_them(tmp_path: Path) -> None:
    write_model(tmp_path / "m", "1.0")
    manifest = verify(tmp_path / "m")
    assert manifest.kernels == digest() and {"numba", "onnxruntime", "tensorflow"} <= set(manifest.libraries)


def test_every_field_of_the_manifest_counts_for_the_version(tmp_path: Path) -> None:
    version = write_model(tmp_path / "m", "1.0")
    manifest = read_manifest(tmp_path / "m")
    assert version_of(dataclasses.replace(manifest, version="")) == version == version_of(manifest)
    changes: dict[str, Any] = {"kind": "x", "items": 4, "kernels": "x", "libraries": {}, "files": {}, "index": {"a": 1}}
    others = {version_of(dataclasses.replace(manifest, **{name: value})) for name, value in changes.items()}
    assert len(others | {version}) == 7


def test_a_whole_other_model_under_the_name_of_a_version_is_refused(tmp_path: Path) -> None:
    """Files and manifest agree: the name of the directory, which the registry gave, does not."""
    version = write_model(tmp_path / "m", "1.0")
    other = write_model(tmp_path / version, "6.66")
    for refused, expected in ((tmp_path / version, ""), (tmp_path / "m", other)):
        with pytest.raises(ModelRefused, match="expected model 2017-12-04-"):
            verify(refused, expected)
    verify(tmp_path / "m", version)
