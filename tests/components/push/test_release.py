"""Release: only what the registry's push took, under the address of its artifact."""

from pathlib import Path
from typing import Any

import pytest

from components.inference_service.traffic import read
from components.push import release as module
from components.push.release import release
from model.errors import ModelRefused
from model.files import write_json
from model.package.manifest import write_manifest
from tests.components.inference_service.fake_cluster import Clock, FakeCluster


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
        self.version = model(root / "candidate", "new")
        self.baseline = model(root / "baselines" / "personal_frequency", "simple")

    def release(self, **outcome: Any) -> dict[str, Any]:
        write_json(self.root / "outcome.json", {"pushed": True, "version": self.version} | outcome)
        candidate = (str(self.root / "candidate"), "minio://mlpipeline/run/candidate")
        baselines = (str(self.root / "baselines"), "minio://mlpipeline/run/baselines")
        clock = Clock().patience()
        return release(str(self.root / "outcome.json"), candidate, baselines, 10, self.cluster, clock)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(module, "ask", lambda url, version: {"model_version": version})
    return Place(tmp_path)


def test_a_pushed_model_becomes_the_canary_beside_the_first_baseline(place: Place) -> None:
    result = place.release()
    assert result["released"] and result["version"] == place.version and result["stable"] == place.baseline
    traffic = read(place.cluster.record())
    assert traffic.canary is not None and traffic.canary.uri == "s3://mlpipeline/run/candidate"
    assert traffic.stable is not None and traffic.stable.uri == "s3://mlpipeline/run/baselines/personal_frequency"


def test_what_was_not_pushed_is_not_released(place: Place) -> None:
    assert place.release(pushed=False, reason="not blessed") == {"released": False, "reason": "not blessed"}
    assert place.cluster.applied == []


def test_an_outcome_of_another_model_is_refused(place: Place) -> None:
    with pytest.raises(ModelRefused, match="run push again"):
        place.release(version="2017-12-04-000000000000")
    assert place.cluster.applied == []
