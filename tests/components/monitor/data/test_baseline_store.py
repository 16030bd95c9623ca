"""The monitor's baseline is that of the active model."""

from pathlib import Path

import pytest

from components.monitor.data import baseline as reference
from components.monitor.data.baseline_store import active, keep_baseline
from model.errors import InputError
from model.registry.model_registry import Registry
from tests.components.monitor.shop import CUT_S
from tests.components.monitor.world import World
from tests.components.push.outcomes import push_outcome
from tests.model.model_directory import write_model
from tfx_configs.settings import RunSettings


def _add(registry: Registry, root: Path, content: str) -> str:
    write_model(root / content, content)
    return registry.add(root / content)


def _baseline(registry: Registry, version: str) -> Path:
    made = registry.root / "monitoring" / "references" / version
    made.mkdir(parents=True)
    return made


def test_the_reference_of_a_blessed_run_is_built_once_and_of_a_refused_one_never(
    shop: World, shop_dir: Path, tmp_path: Path
) -> None:
    registry, outcome, table = Registry(tmp_path / "registry"), tmp_path / "outcome.json", tmp_path / "table.md"
    stages = {name: str(shop_dir / name) for name in ("tables", "examples", "evaluation", "validation")}
    stages |= {"registry": str(registry.root), "outcome": str(outcome), "table": str(table)}
    push_outcome(blessed=False).write(outcome)
    assert keep_baseline(RunSettings(), **stages) is None and "| kept | – |" in table.read_text()
    push_outcome().write(outcome)
    made = keep_baseline(RunSettings(), **stages)
    assert made is not None and f"| kept | {made} |" in table.read_text()
    assert reference.load(made).cut_s == CUT_S
    assert reference.load(made).purchases.equals(shop.baseline.purchases)
    before = {path: path.stat().st_mtime_ns for path in made.iterdir()}
    keep_baseline(RunSettings(), **stages)
    assert before == {path: path.stat().st_mtime_ns for path in made.iterdir()}


def test_the_stable_models_reference_is_active_and_moves_with_a_promotion_and_back(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "registry")
    first_model, second_model = (_add(registry, tmp_path, content) for content in ("one", "two"))
    registry.set_stable(first_model)
    first, second = _baseline(registry, first_model), _baseline(registry, second_model)
    registry.set_canary(second_model)
    assert active(registry) == first
    registry.promote()
    assert active(registry) == second
    registry.revert()
    assert active(registry) == first


def test_before_the_first_promotion_it_is_that_of_the_canary_beside_the_baseline(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "registry")
    baseline, canary = _add(registry, tmp_path, "simple"), _add(registry, tmp_path, "one")
    registry.set_stable(baseline)
    with pytest.raises(InputError, match="start one training run with aisle submit"):
        active(registry)
    registry.set_canary(canary)
    stored = _baseline(registry, canary)
    assert active(registry) == stored
