"""Which version is stable, canary and previous; every operation may be done twice."""

from pathlib import Path

import pytest

from model.errors import InputError, ModelRefused
from model.files import tree_digests
from model.registry.model_registry import Registry, State
from tests.model.model_directory import write_model


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "registry")


def add(registry: Registry, tmp_path: Path, content: str) -> str:
    write_model(tmp_path / content, content)
    return registry.add(tmp_path / content)


def actions(state: State) -> list[object]:
    return [entry["action"] for entry in state.history]


def test_a_new_registry_is_empty_and_asking_writes_nothing(registry: Registry) -> None:
    assert registry.state() == State()
    assert not registry.root.exists()


def test_adding_copies_the_directory_and_adding_twice_changes_nothing(registry: Registry, tmp_path: Path) -> None:
    version = add(registry, tmp_path, "one")
    assert tree_digests(registry.path(version)) == tree_digests(tmp_path / "one")
    before = {path: path.stat().st_mtime_ns for path in registry.path(version).rglob("*")}
    assert registry.add(tmp_path / "one") == version
    assert {path: path.stat().st_mtime_ns for path in registry.path(version).rglob("*")} == before


def test_a_damaged_directory_does_not_come_in(registry: Registry, tmp_path: Path) -> None:
    write_model(tmp_path / "bad", "one")
    (tmp_path / "bad" / "saved_model" / "weights").write_text("two")
    with pytest.raises(ModelRefused, match="altered"):
        registry.add(tmp_path / "bad")
    assert not registry.root.exists()


def test_a_canary_is_promoted_and_what_it_replaced_is_remembered(registry: Registry, tmp_path: Path) -> None:
    first, second = add(registry, tmp_path, "one"), add(registry, tmp_path, "two")
    registry.set_stable(first)
    assert registry.set_canary(second).canary == second
    state = registry.promote()
    assert (state.stable, state.canary, state.previous) == (second, None, first)
    assert registry.state() == state
    assert actions(state) == ["set stable", "canary", "promoted"]
    assert state.history[-1]["stable"] == second and state.history[-1]["replaced"] == first


def test_a_promotion_can_be_taken_back(registry: Registry, tmp_path: Path) -> None:
    first, second = add(registry, tmp_path, "one"), add(registry, tmp_path, "two")
    registry.set_stable(first)
    with pytest.raises(InputError, match="expected a version from before the last promotion"):
        registry.revert()
    registry.set_canary(second)
    registry.promote()
    state = registry.revert()
    assert (state.stable, state.canary, state.previous) == (first, None, second)
    assert actions(state) == ["set stable", "canary", "promoted", "reverted"]


def test_a_canary_that_is_dropped_leaves_stable_alone(registry: Registry, tmp_path: Path) -> None:
    first, second = add(registry, tmp_path, "one"), add(registry, tmp_path, "two")
    registry.set_stable(first)
    registry.set_canary(second)
    state = registry.drop_canary()
    assert (state.stable, state.canary, state.previous) == (first, None, None)
    assert actions(state) == ["set stable", "canary", "canary dropped"]
    assert registry.drop_canary() == state


def test_declaring_the_same_role_twice_is_recorded_once(registry: Registry, tmp_path: Path) -> None:
    first, second = add(registry, tmp_path, "one"), add(registry, tmp_path, "two")
    assert registry.set_stable(first) == registry.set_stable(first)
    assert registry.set_canary(second) == registry.set_canary(second)


def test_the_stable_version_is_never_its_own_canary(registry: Registry, tmp_path: Path) -> None:
    first = add(registry, tmp_path, "one")
    registry.set_stable(first)
    assert registry.set_canary(first).canary is None


def test_promoting_without_a_canary_is_refused(registry: Registry, tmp_path: Path) -> None:
    registry.set_stable(add(registry, tmp_path, "one"))
    with pytest.raises(InputError, match="expected a canary to promote"):
        registry.promote()


def test_a_version_that_is_not_there_gets_no_role(registry: Registry) -> None:
    with pytest.raises(ModelRefused, match="expected a model directory"):
        registry.set_canary("2017-12-04-000000000000")
    assert registry.state() == State()
