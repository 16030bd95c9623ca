"""The models that a run begins with, on this machine and on a cluster."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from components.inference_service.shift import put
from components.inference_service.traffic import Traffic, Version, record, with_canary
from components.kfp_support.program_version import code_version
from components.train import current_models as module
from components.train.current_models import EACH_RUN, current_models, version_of
from model.errors import InputError
from model.registry.model_registry import Registry
from model.registry.roles import Roles
from tests.components.inference_service.fake_cluster import FakeCluster
from tests.model.model_directory import write_model
from tfx_configs import recipes
from tfx_configs.settings import RunSettings, Start


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "registry")


def add(registry: Registry, tmp_path: Path, content: str, kind: str = "aisle") -> str:
    write_model(tmp_path / content, content, kind)
    return registry.add(tmp_path / content)


def run(start: Start) -> RunSettings:
    return recipes.fast().training(start=start)


def test_an_empty_registry_and_a_baseline_are_nothing_to_compare_with_or_go_on_from(
    registry: Registry, tmp_path: Path
) -> None:
    for stable in (None, add(registry, tmp_path, "simple", "personal_frequency")):
        if stable is not None:
            registry.set_stable(stable)
        assert set(current_models(registry, run("scratch"), "data")) == {""}
        with pytest.raises(InputError, match=r"train\.start refresh: expected a stable model that was trained in"):
            current_models(registry, run("refresh"), "data")


@pytest.mark.parametrize(("start", "has_parent"), [("scratch", False), ("refresh", True), ("warm", True)])
def test_the_stable_model_is_always_compared_with_and_is_the_parent_where_that_is_asked(
    registry: Registry, tmp_path: Path, start: Start, has_parent: bool
) -> None:
    stable = add(registry, tmp_path, "one")
    registry.set_stable(stable)
    models = current_models(registry, run(start), "data")
    assert models.stable_dir == str(registry.path(stable))
    assert models.parent_dir == (models.stable_dir if has_parent else "")


def test_the_registry_follows_what_serves_on_a_cluster(registry: Registry, tmp_path: Path) -> None:
    first, second = add(registry, tmp_path, "one"), add(registry, tmp_path, "two")
    registry.set_stable(first)
    registry.set_canary(second)
    cluster = FakeCluster()
    registry = Registry(registry.root, cluster.roles)
    for roles in (
        {"stable": first, "canary": second},
        {"stable": second, "previous": first},
        {"stable": first, "previous": second},  # after a rollback of the promotion
        {"stable": first},  # after a rollback of a canary
    ):
        cluster.records = [serves(**roles)]
        assert registry.state().by_name() == roles
    assert registry.state().history == registry.state().history


def test_an_edit_of_the_service_is_in_the_registry_at_the_next_reading(registry: Registry, tmp_path: Path) -> None:
    first, second = add(registry, tmp_path, "one"), add(registry, tmp_path, "two")
    old, new = (Version(name=name, uri=f"s3://models/{name}") for name in (first, second))
    cluster = FakeCluster()
    put(cluster, Traffic(stable=old))
    put(cluster, with_canary(Traffic(stable=old), new, 10))
    followed = Registry(registry.root, cluster.roles)
    assert followed.state().by_name() == {"stable": first, "canary": second}
    cluster.edit(lambda spec: spec.pop("canary"))
    assert followed.state().by_name() == {"stable": first}


def test_what_serves_and_is_not_in_the_registry_changes_nothing(registry: Registry, tmp_path: Path) -> None:
    first, cluster = add(registry, tmp_path, "one"), FakeCluster()
    registry.set_stable(first)
    for serving in (serves(stable="2020-01-01-unknown"), {}):
        cluster.records = [serving]
        assert Registry(registry.root, cluster.roles).state().stable == first


def serves(**roles: str) -> dict[str, Any]:
    """The cluster's record of these versions."""
    versions = {role: Version(name=name, uri=f"s3://models/{name}") for role, name in roles.items()}
    return record(Traffic(**versions), FakeCluster.namespace)


def test_runs_of_a_schedule_have_a_data_version_each_and_others_the_one_that_was_given() -> None:
    monday = datetime(2026, 11, 23, 2, 0, 0, 5, tzinfo=UTC)
    assert version_of(EACH_RUN, monday) == "20261123T020000.000005Z"
    assert version_of("2017-12-04", monday) == "2017-12-04"


def test_a_run_on_a_cluster_begins_with_its_whole_settings_its_own_data_version_and_the_program_of_the_step(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Service:
        roles = staticmethod(lambda: Roles(stable=add(registry, tmp_path, "model")))

    monkeypatch.setattr(module, "Cluster", lambda namespace: Service)
    begun = module.begin_on(namespace="aisle", registry_dir=registry.root, run=run("scratch"), data_version=EACH_RUN)
    assert Path(begun.stable_dir).parent == registry.root / "models" and begun.parent_dir == ""
    assert RunSettings.from_json(begun.settings) == run("scratch")
    assert begun.data_version.startswith("20") and begun.code_version == code_version()
