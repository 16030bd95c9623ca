"""Release: only what the registry's push took, under the address of its artifact."""

from pathlib import Path
from typing import Any

import pytest

from components.artifacts.first_stable import FirstStable
from components.artifacts.push_outcome import PushOutcome, ReleaseOutcome
from components.inference_service.traffic import read
from components.push import release as module
from components.push.release import StoredModels, release
from model.errors import ModelRefused
from model.package.manifest import write_manifest
from tests.components.inference_service.fake_cluster import Clock, FakeCluster
from tests.components.push.outcomes import push_outcome


def model(directory: Path, content: str) -> str:
    """A model directory; returns its version."""
    directory.mkdir(parents=True)
    (directory / "weights").write_text(content)
    return write_manifest(
        directory, kind="aisle", cut_s=1_512_345_600, items=3, retrieved=0, ranked=0, index={}
    ).version


class Place:
    """A candidate, baselines and an outcome on disk, and a cluster in memory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.cluster = FakeCluster()
        self.runtime = ""
        self.version = model(root / "candidate", "new")
        self.baseline = model(root / "baselines" / "popular_unseen", "simple")
        model(root / "baselines" / "personal_frequency", "other")
        FirstStable(name="popular_unseen", reason="best", metric="ndcg@10").save(root / "baselines")

    def release(self, **outcome: Any) -> ReleaseOutcome:
        push_outcome(**{"version": self.version} | outcome).save(self.root)
        address = "minio://mlpipeline/run"
        return release(
            outcome_file=self.root / PushOutcome.FILE,
            candidate=StoredModels(directory=self.root / "candidate", uri=f"{address}/candidate"),
            baselines=StoredModels(directory=self.root / "baselines", uri=f"{address}/baselines"),
            percent=10,
            runtime=self.runtime,
            cluster=self.cluster,
            released_file=self.root / "released",
            table_file=self.root / "table.md",
            patience=Clock().patience(),
        )


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(module, "ask", lambda url, version: {"model_version": version})
    return Place(tmp_path)


def test_a_pushed_model_becomes_the_canary_beside_the_baseline_that_was_chosen(place: Place) -> None:
    result = place.release()
    assert result.released and result.version == place.version and result.stable == place.baseline
    assert ReleaseOutcome.read(place.root / "released") == result
    assert f"| percent | {result.percent} |" in (place.root / "table.md").read_text()
    traffic = read(place.cluster.record())
    assert traffic.canary is not None and traffic.canary.uri == "s3://mlpipeline/run/candidate"
    assert traffic.stable is not None and traffic.stable.uri == "s3://mlpipeline/run/baselines/popular_unseen"


def test_a_pushed_model_runs_on_the_runtime_that_the_run_names(place: Place) -> None:
    place.runtime = "aisle-b"
    assert place.release().runtime == "aisle-b"
    canary = read(place.cluster.record()).canary
    assert canary is not None and canary.runtime == "aisle-b"


def test_what_was_not_pushed_is_not_released(place: Place) -> None:
    result = place.release(pushed=False, blessed=False, reason="not blessed")
    assert result == ReleaseOutcome(released=False, reason="not blessed", rejected=True)
    assert (place.root / "table.md").read_text().count("\n| ") == 4  # the head and three rows
    assert place.cluster.applied == []


def test_what_became_of_a_model_is_one_word_for_the_graph(place: Place) -> None:
    assert place.release().word == "released"
    assert place.release(pushed=False, blessed=False, reason="not blessed").word == "rejected"
    assert place.release(pushed=False, blessed=True, reason="already stable").word == "unchanged"


def test_an_outcome_of_another_model_is_refused(place: Place) -> None:
    with pytest.raises(ModelRefused, match="run push again"):
        place.release(version="2017-12-04-000000000000")
    assert place.cluster.applied == []
