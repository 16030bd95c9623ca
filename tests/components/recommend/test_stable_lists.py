"""The step of the pipeline: lists of the service's stable model, as an artifact and at another place."""

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from kfp import dsl

from components.recommend import stable_lists as on_cluster
from components.recommend.op import recommend
from components.recommend.run import ListSettings
from model.errors import InputError
from model.registry.model_registry import Registry
from model.registry.roles import Roles
from model.serving.history.lmdb_store import LmdbStore
from model.serving.history.store import Event
from tests.model.items_table import write_items
from tests.model.rerank.test_policy import exported
from tests.model.small_catalog import ITEMS
from tfx_configs.rerank import RerankSettings


class OnCluster:
    """A service with these roles."""

    def __init__(self, roles: Roles[str]) -> None:
        self.roles: Callable[[], Roles[str]] = lambda: roles


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A registry with one model, which the service has as stable, and a store with one shopper."""
    model = exported(tmp_path / "model", write_items(tmp_path, list(ITEMS)), RerankSettings())
    version = Registry(tmp_path / "registry").add(model)
    monkeypatch.setattr(on_cluster, "Cluster", lambda namespace: OnCluster(Roles(stable=version)))
    store = LmdbStore(tmp_path / "store")
    store.append([Event(event_id="1", user_id="ann", item_id="a", time_s=10)])
    store.close()
    return tmp_path


def lists_in(place: Path, **changes: str) -> tuple[list[str], int]:
    places = {"copy_to": "", "request_log": ""} | changes
    made = on_cluster.stable_lists(
        namespace="aisle",
        registry=str(place / "registry"),
        store=str(place / "store"),
        users="all",
        settings=ListSettings(k=2),
        lists_file=str(place / "lists"),
        **places,
    )
    return pq.read_table(place / "lists")["user_id"].to_pylist(), made.lists


def test_the_stable_model_makes_the_lists_and_they_are_copied_whole(place: Path) -> None:
    copy = place / "crm" / "lists.parquet"
    assert lists_in(place, copy_to=str(copy), request_log=str(place / "log")) == (["ann"], 1)
    assert copy.read_bytes() == (place / "lists").read_bytes()
    assert len(list((place / "log").glob("*.parquet"))) == 1


def test_a_service_without_a_stable_model_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_cluster, "Cluster", lambda namespace: OnCluster(Roles()))
    with pytest.raises(InputError, match="expected a registry with a stable model, got none"):
        lists_in(place)


def test_the_step_leaves_lists_with_metadata_and_metrics_of_the_run(place: Path) -> None:
    lists, metrics = dsl.Dataset(uri=str(place / "lists")), dsl.Metrics(uri=str(place / "metrics"))
    users = place / "users.txt"
    users.write_text("ann\nstranger\n")
    recommend.python_func(
        namespace="aisle",
        registry=str(place / "registry"),
        store=str(place / "store"),
        users=str(users),
        settings='{"k": 2, "k_new": 1}',
        copy_to="",
        request_log="",
        lists=lists,
        metrics=metrics,
    )
    rows = pq.read_table(place / "lists").to_pylist()
    assert [(row["user_id"], row["state"]) for row in rows] == [("ann", "found"), ("stranger", "unknown")]
    assert lists.metadata == {"model_version": rows[0]["version"], "lists": 2}
    assert metrics.metadata["state unknown"] == 1 and metrics.metadata["contract violations"] == 0
