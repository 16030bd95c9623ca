"""Files that the workers of a pipeline see, beside the step or in a directory of their own."""

from pathlib import Path

import pytest

from components.beam.shared_files import shared_files
from model.errors import InputError
from tfx_configs.beam import BeamSettings


@pytest.fixture
def trips(tmp_path: Path) -> Path:
    folder = tmp_path / "trips"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / name).write_text(f"trip {name}")
    return folder


def test_on_one_machine_nothing_is_copied(trips: Path) -> None:
    with shared_files(BeamSettings()) as shared:
        assert shared.offered(trips, "trips") == str(trips)


def test_a_directory_that_all_see_gets_copies_and_is_empty_afterwards(trips: Path, tmp_path: Path) -> None:
    all_see, out = tmp_path / "all see", tmp_path / "out"
    all_see.mkdir()
    with shared_files(BeamSettings(work_dir=str(all_see))) as shared:
        offered = Path(shared.offered(trips, "trips"))
        assert all_see in offered.parents
        assert {path.name: path.read_text() for path in offered.iterdir()} == {"a": "trip a", "b": "trip b"}
        assert Path(shared.offered(trips / "a", "one")).read_text() == "trip a"
        result = Path(shared.place("result/deep"))
        result.mkdir(parents=True)
        (result / "metrics").write_bytes(b"\x00\x01")
        (result.parent / "plan.json").write_text("{}")
        shared.fetch("result", out)
    assert (out / "deep" / "metrics").read_bytes() == b"\x00\x01" and (out / "plan.json").read_text() == "{}"
    assert list(all_see.iterdir()) == []


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    beam, message = BeamSettings(work_dir=str(tmp_path / "file")), "expected a directory or address that can be written"
    with pytest.raises(InputError, match=message), shared_files(beam):
        pass
