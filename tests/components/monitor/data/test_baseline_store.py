"""What the monitor compares with is that of the model in force."""

from pathlib import Path

import pytest

from components.monitor.data import baseline as reference
from components.monitor.data.baseline_store import in_force, keep_in
from model.errors import InputError
from model.files import write_json
from model.registry.model_registry import Registry
from tests.components.monitor.shop import CUT_S
from tests.components.monitor.world import World
from tests.model.model_directory import write_model
from tfx_configs.settings import RunSettings


def _add(registry: Registry, root: Path, content: str) -> str:
    write_model(root / content, content)
    return registry.add(root / content)


def _kept(registry: Registry, version: str) -> Path:
    made = registry.root / "monitoring" / "references" / version
    made.mkdir(parents=True)
    return made


def test_the_reference_of_a_blessed_run_is_built_once_and_of_a_refused_one_never(
    shop: World, shop_dir: Path, tmp_path: Path
) -> None:
    registry, outcome = Registry(tmp_path / "registry"), tmp_path / "outcome.json"
    stages = {name: str(shop_dir / name) for name in ("tables", "examples", "evaluation", "validation")}
    write_json(outcome, {"blessed": False, "version": "one"})
    assert keep_in(str(registry.root), str(outcome), stages, RunSettings().to_json()) == ""
    write_json(outcome, {"blessed": True, "version": "one"})
    made = Path(keep_in(str(registry.root), str(outcome), stages, RunSettings().to_json()))
    assert reference.load(made).cut_s == CUT_S
    assert reference.load(made).purchases.equals(shop.known.purchases)
    before = {path: path.stat().st_mtime_ns for path in made.iterdir()}
    keep_in(str(registry.root), str(outcome), stages, RunSettings().to_json())
    assert before == {path: path.stat().st_mtime_ns for path in made.iterdir()}


def test_the_stable_models_reference_is_in_force_and_moves_with_a_promotion_and_back(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "registry")
    one, two = (_add(registry, tmp_path, content) for content in ("one", "two"))
    registry.set_stable(one)
    first, second = _kept(registry, one), _kept(registry, two)
    registry.set_canary(two)
    assert in_force(registry) == first
    registry.promote()
    assert in_force(registry) == second
    registry.revert()
    assert in_force(registry) == first


def test_before_the_first_promotion_it_is_that_of_the_canary_beside_the_baseline(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "registry")
    baseline, one = _add(registry, tmp_path, "simple"), _add(registry, tmp_path, "one")
    registry.set_stable(baseline)
    with pytest.raises(InputError, match="start one training run by hand"):
        in_force(registry)
    registry.set_canary(one)
    kept = _kept(registry, one)
    assert in_force(registry) == kept
