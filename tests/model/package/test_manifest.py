"""A model directory is refused when anything in it differs from its manifest."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from model.errors import ModelRefused
from model.files import read_json, write_json, write_text
from model.kernels.compiler import digest
from model.package.manifest import NAME, read_manifest, verify
from tests.model.model_directory import write_model


def change(**fields: Any) -> Callable[[Path], None]:
    """Rewrites fields of the manifest."""
    return lambda directory: write_json(directory / NAME, read_json(directory / NAME) | fields)


DAMAGE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "altered": (lambda d: write_text(d / "saved_model" / "weights", "1.1"), "saved_model/weights: altered"),
    "missing": (lambda d: (d / "training.json").unlink(), "training.json: missing"),
    "extra": (lambda d: write_text(d / "more.py", "boo"), "more.py: not in the manifest"),
    "another schema": (change(schema="0" * 64), "made for another canonical schema (000000000000)"),
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
    change(libraries=libraries, kernels="0" * 64)(tmp_path / "m")
    manifest = verify(tmp_path / "m")
    assert manifest.libraries == libraries and manifest.kernels == "0" * 64


def test_the_manifest_notes_the_kernels_and_what_runs_them(tmp_path: Path) -> None:
    write_model(tmp_path / "m", "1.0")
    manifest = verify(tmp_path / "m")
    assert manifest.kernels == digest() and {"numba", "onnxruntime", "tensorflow"} <= set(manifest.libraries)


def test_a_manifest_of_an_earlier_release_has_the_half_life_that_serving_used_then(tmp_path: Path) -> None:
    write_model(tmp_path / "m", "1.0")
    fields = read_json(tmp_path / "m" / NAME)
    del fields["half_life_days"]
    write_json(tmp_path / "m" / NAME, fields)
    assert verify(tmp_path / "m").half_life_days == 120.0
