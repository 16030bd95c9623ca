"""Which earlier span a run is compared with: that of the stable model, never its own."""

from pathlib import Path

import pytest

from model.files import tree_digests, write_text
from model.registry import validation_baseline as reference
from model.registry.model_registry import Registry
from tests.model.model_directory import write_model
from tfx_configs.settings import DataSettings


class Shelf:
    """A registry, and what validation left of each run, named like its data."""

    def __init__(self, root: Path) -> None:
        self.root, self.registry = root, Registry(root / "registry")

    def run(self, data: str) -> str:
        """Validates the data, makes a model of them and promotes it; returns what the run was compared with."""
        earlier = reference.find(self.registry, data)
        write_model(self.root / "model", data)
        version = self.registry.add(self.root / "model")
        write_text(self.root / "anomalies" / "drift.stats.pb", data)
        reference.keep(self.registry, version, self.root / "anomalies", data, earlier)
        if self.registry.state().stable is None:
            self.registry.set_stable(version)
        elif self.registry.set_canary(version).canary:
            self.registry.promote()
        return earlier

    def compared_with(self, data: str) -> str:
        """The data of the run that one on `data` would be compared with."""
        earlier = reference.find(self.registry, data)
        return (Path(earlier) / "drift.stats.pb").read_text() if earlier else ""


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def test_the_first_run_has_nothing_to_be_compared_with(shelf: Shelf) -> None:
    assert shelf.compared_with("january") == ""
    assert not shelf.registry.root.exists()


def test_a_run_on_other_data_is_compared_with_the_run_of_the_stable_model(shelf: Shelf) -> None:
    shelf.run("january")
    assert shelf.compared_with("february") == "january"


@pytest.mark.parametrize("before", [(), ("january",), ("january", "february")])
def test_the_same_data_once_more_are_compared_with_what_they_were_compared_with(
    shelf: Shelf, before: tuple[str, ...]
) -> None:
    """So that validation comes from the cache, whatever was promoted in between."""
    for data in before:
        shelf.run(data)
    first = shelf.run("march")
    assert reference.find(shelf.registry, "march") == first
    assert shelf.compared_with("march") == (before[-1] if before else "")


def test_after_a_model_that_was_not_promoted_the_stable_one_still_counts(shelf: Shelf) -> None:
    shelf.run("january")
    write_model(shelf.root / "model", "february")
    version = shelf.registry.add(shelf.root / "model")
    reference.keep(shelf.registry, version, shelf.root / "anomalies", "february", "")
    shelf.registry.set_canary(version)
    assert shelf.compared_with("february") == "january"
    assert shelf.compared_with("march") == "january"


def test_a_baseline_has_no_run_to_be_compared_with(shelf: Shelf) -> None:
    write_model(shelf.root / "model", "counts", kind="personal_frequency")
    shelf.registry.set_stable(shelf.registry.add(shelf.root / "model"))
    assert shelf.compared_with("january") == ""


def test_keeping_twice_changes_nothing(shelf: Shelf) -> None:
    shelf.run("january")
    stable = shelf.registry.state().stable
    assert stable is not None
    before = tree_digests(shelf.registry.root / "validation")
    write_text(shelf.root / "anomalies" / "drift.stats.pb", "another")
    reference.keep(shelf.registry, stable, shelf.root / "anomalies", "another", "")
    assert tree_digests(shelf.registry.root / "validation") == before


def test_a_registry_that_was_moved_still_finds_its_own(shelf: Shelf) -> None:
    for data in ("january", "february"):
        shelf.run(data)
    moved = Registry(shelf.registry.root.rename(shelf.root / "elsewhere"))
    assert reference.find(moved, "february").startswith(str(shelf.root / "elsewhere"))


DATA = DataSettings(source="canonical", path="/a", cut_date="2020-01-01")


def test_other_files_another_cut_and_another_sample_are_other_data() -> None:
    changes = ({"cut_date": "2020-01-02"}, {"test_days": 7}, {"sample_percent": 5.0}, {"source": "movielens"})
    digests = {reference.data_digest("files", DATA.replace(**change)) for change in changes}
    digests |= {reference.data_digest("files", DATA), reference.data_digest("other files", DATA)}
    assert len(digests) == len(changes) + 2


def test_the_place_of_the_files_and_the_engine_make_no_difference() -> None:
    moved = DATA.replace(path="/b", engine="spark", memory_gb=1.0, max_dropped_percent=1.0)
    assert reference.data_digest("files", moved) == reference.data_digest("files", DATA)
