import os
from pathlib import Path

import pytest

from model.errors import InputError
from model.files import (
    atomic_directory,
    combined_digest,
    file_digest,
    hold,
    read_json,
    remove_unused,
    tree_digests,
    write_json,
    write_text,
)


class Stop(Exception):
    pass


def break_off(target: Path) -> None:
    with atomic_directory(target) as fresh:
        (fresh / "half").write_text("new")
        raise Stop


def test_a_directory_takes_its_place_in_one_step(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "out"
    for content in ("old", "new"):
        with atomic_directory(target) as fresh:
            (fresh / "file").write_text(content)
            assert not target.exists() or (target / "file").read_text() == "old"
        assert (target / "file").read_text() == content
    assert [path.name for path in target.parent.iterdir()] == ["out"]
    assert target.stat().st_mode & 0o777 == 0o755


def test_after_an_error_only_the_old_directory_is_there(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with atomic_directory(target) as fresh:
        (fresh / "file").write_text("old")
    with pytest.raises(Stop):
        break_off(target)
    assert tree_digests(tmp_path).keys() == {"out/file"}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_error_on_the_first_write_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(Stop):
        break_off(tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_json_survives_and_nan_is_refused_with_the_old_file_in_place(tmp_path: Path) -> None:
    path = tmp_path / "a" / "value.json"
    write_json(path, {"b": [1, 2.5, None], "a": "ü"})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, float("nan"))
    assert read_json(path) == {"a": "ü", "b": [1, 2.5, None]}
    assert [entry.name for entry in path.parent.iterdir()] == ["value.json"]


def test_digests_are_of_content_and_relative_paths(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "x", "abc")
    write_text(tmp_path / "a" / "d" / "y", "")
    # SHA-256 of "abc" and of nothing, as in FIPS 180-2 and RFC 6234.
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert file_digest(tmp_path / "a" / "x") == abc
    assert tree_digests(tmp_path / "a") == {"d/y": nothing, "x": abc}


def test_a_combined_digest_does_not_depend_on_order_but_on_names() -> None:
    assert combined_digest({"a": "1", "b": "2"}) == combined_digest({"b": "2", "a": "1"})
    assert combined_digest({"a": "1", "b": "2"}) != combined_digest({"a": "2", "b": "1"})


def test_a_directory_that_another_process_uses_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "run" / "store").mkdir(parents=True)
    (tmp_path / "run" / "a").write_text("there")
    handle = hold(tmp_path / "run" / "store")
    with pytest.raises(InputError, match="store: a running server uses it"):
        remove_unused(tmp_path / "run")
    assert (tmp_path / "run" / "a").read_text() == "there"
    os.close(handle)
    remove_unused(tmp_path / "run")
    assert not (tmp_path / "run").exists()
    remove_unused(tmp_path / "run")
