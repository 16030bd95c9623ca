"""`kubectl aisle`, on a cluster in memory; tests/manifests/test_edits.py runs it as kubectl's plugin."""

import tomllib
from pathlib import Path

import pytest
import yaml

from components.inference_service import cluster_client
from components.inference_service.shift import put
from components.inference_service.traffic import Traffic, with_canary
from components.rollout.kserve.cluster_rollout import ClusterTraffic
from pipelines import kubectl_aisle
from pipelines.kubectl_aisle import main
from tests.components.inference_service.fake_cluster import Clock, FakeCluster
from tests.components.inference_service.test_traffic import NEW, OLD


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    """A canary at 10 %."""
    cluster = FakeCluster()
    put(cluster, Traffic(stable=OLD))
    put(cluster, with_canary(Traffic(stable=OLD), NEW, 10))
    cluster.service()
    rollout = ClusterTraffic(cluster=cluster, patience=Clock().patience())
    monkeypatch.setattr(kubectl_aisle, "_rollout", lambda namespace: rollout)
    return cluster


def test_the_actions_are_those_of_the_state_machine_and_are_in_the_history(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [main([action]) for action in ("pause", "resume", "promote", "rollback")] == [0, 0, 0, 0]
    states = [line.split("  ")[-2] for line in capsys.readouterr().out.splitlines()]
    assert states == ["held at 10 %", "running at 10 %", "promoted", "rolled back"]
    assert main(["history"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[1] for line in lines] == ["Hold", "Resume", "Promoted", "RolledBack"]
    assert lines[0].split("  ")[2] == "10 %" and lines[0].split("  ")[3].startswith("hold by ")
    assert [(reason, warning) for reason, _, warning in cluster.events] == [
        ("Hold", False),
        ("Resume", False),
        ("Promoted", False),
        ("RolledBack", True),
    ]


def test_what_the_state_does_not_allow_is_one_line_and_exit_2(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["resume"]) == 2
    assert capsys.readouterr().err.startswith("aisle: rollout: cannot resume one that is running")
    assert main(["dance"]) == 2
    assert "see `kubectl aisle --help`" in capsys.readouterr().err


def test_status_has_the_share_of_every_place(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"stable {OLD.name}  canary {NEW.name}  running at 10 %"
    assert [line.split()[0] for line in lines[1:]] == ["declared", "KServe", "pods", "pods", "route"]
    assert lines[1] == f"declared  stable {OLD.predictor}, canary {NEW.predictor} 10 %"


def test_what_was_declared_is_exported_and_restores_a_lost_service(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["pause"])
    capsys.readouterr()
    assert main(["export"]) == 0
    parts = list(yaml.safe_load_all(capsys.readouterr().out))
    lost = FakeCluster()
    for part in parts:
        lost.apply(part)
    rollout = ClusterTraffic(cluster=lost)
    assert rollout.record().traffic == with_canary(Traffic(stable=OLD), NEW, 10)
    assert (rollout.record().state, rollout.record().present.change) == ("held", "")
    assert "rollout-claim" not in parts[1]["data"]
    cluster.edit(lambda spec: spec["predictor"]["model"].update(storageUri="s3://another"))
    assert main(["export"]) == 1


def test_the_history_outlives_the_canary_and_has_fifty_lines(cluster: FakeCluster) -> None:
    for _ in range(30):
        main(["pause"])
        main(["resume"])
    put(cluster, with_canary(Traffic(stable=OLD), NEW, 10))
    assert len(cluster.record()["data"]["history"].splitlines()) == 50


def test_the_namespace_is_that_of_the_context(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    context = '{"name": "c", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}'
    rest = '"clusters": [{"name": "c", "cluster": {}}], "users": [{"name": "u", "user": {}}]'
    file.write_text(f'{{"current-context": "c", "contexts": [{context}], {rest}}}')
    assert cluster_client.context_namespace(str(file)) == "shop"
    assert cluster_client.context_namespace(str(tmp_path / "none")) == "aisle"


def test_it_is_installed_under_the_name_that_kubectl_expects() -> None:
    scripts = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts["kubectl-aisle"] == f"{main.__module__}:{main.__name__}"
