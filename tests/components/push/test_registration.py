"""What push sends to the servers of `tracking`, and that none of them can stop it."""

from pathlib import Path
from typing import Any

import pytest

from components.artifacts.push_outcome import PushOutcome
from components.artifacts.verdict import Verdict
from components.push.registration import settings_digest, tracked_version
from components.rollout.local.processes import free_port
from model.files import file_digest, write_json
from tests.components.push.test_run import EVALUATION, Place
from tests.components.tracking.fake_servers import FakeModelRegistry, listening
from tests.model.model_directory import write_model
from tfx_configs.settings import RunSettings, TrainSettings
from tfx_configs.tracking import TrackingSettings


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def with_registry(url: str) -> RunSettings:
    return RunSettings(tracking=TrackingSettings(model_registry=url, name="shop"))


def of_kind(fake: FakeModelRegistry, kind: str) -> list[dict[str, Any]]:
    return [each for each in fake.stored if each["kind"] == kind]


def test_a_pushed_version_is_registered_once_however_often_it_is_pushed(place: Place) -> None:
    fake = FakeModelRegistry()
    with listening(fake) as url:
        place.settings = with_registry(url)
        results = [place.push("one"), place.push("one")]
    assert [result.tracked for result in results] == 2 * [{"Kubeflow Model Registry": "registered"}]
    (version,), (package,) = of_kind(fake, "model_version"), of_kind(fake, "artifact")
    assert (version["name"], version["state"]) == (results[0].version, "LIVE")
    assert package["uri"] == place.registry.path(results[0].version).as_uri()


def test_a_refused_version_is_registered_as_archived_where_it_is(place: Place) -> None:
    fake = FakeModelRegistry()
    with listening(fake) as url:
        place.settings = with_registry(url)
        result = place.push("one", blessed=False)
    (version,), (package,) = of_kind(fake, "model_version"), of_kind(fake, "artifact")
    assert (version["name"], version["state"]) == (result.version, "ARCHIVED")
    assert version["customProperties"]["verdict"]["string_value"] == "not_blessed"
    assert package["uri"] == (place.root / "one").as_uri()


def test_a_server_that_is_away_is_one_warning_and_the_model_is_pushed(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    place.settings = with_registry(f"http://127.0.0.1:{free_port()}")
    result = place.push("one")
    assert result.pushed and place.registry.state().canary == result.version
    assert "Connection refused" in PushOutcome.read(place.root / "outcome.json").tracked["Kubeflow Model Registry"]
    assert [line[:8] for line in capsys.readouterr().out.splitlines()].count("WARNING:") == 1
    assert "tracked.Kubeflow Model Registry | ConnectError" in (place.root / "card.md").read_text()


def test_the_record_has_what_the_version_was_made_from_and_how_it_was_judged(tmp_path: Path) -> None:
    version = write_model(tmp_path / "model", "one")
    interval = {"low": 0.2, "high": 0.3}
    write_json(tmp_path / "metrics.json", EVALUATION | {"intervals": {"aisle": {"ndcg@10": interval}}})
    record = tracked_version(
        package=tmp_path / "model",
        uri="minio://mlpipeline/v2/model",
        verdict=Verdict(blessed=True, passed=True, version=version, code_version="c1"),
        evaluation=tmp_path,
        settings=RunSettings(),
        data_version="d1",
    )
    assert (record.version, record.package, record.blessed) == (version, "s3://mlpipeline/v2/model", True)
    assert record.facts == {
        "verdict": "blessed",
        "verdict_line": "Blessed: all 0 checks passed",
        "cut": version[:10],
        "manifest_sha256": file_digest(tmp_path / "model" / "manifest.json"),
        "data_version": "d1",
        "code_version": "c1",
        "settings_digest": settings_digest(RunSettings()),
        "judged_trips": "12",
        "judged_from": "2017-12-04T00:00:00Z",
        "judged_to": "2017-12-05T00:00:00Z",
        "task": "next_basket",
    }
    assert record.metrics == {
        "recall@10": 0.3,
        "ndcg@10": 0.25,
        "ndcg@10 low": 0.2,
        "ndcg@10 high": 0.3,
        "recall@10 over popularity percent": 50.0,
        "recall@10 over popularity percent low": 10.0,
        "recall@10 over popularity percent high": 90.0,
    }


def test_without_an_evaluation_the_record_has_no_metrics(tmp_path: Path) -> None:
    write_model(tmp_path / "model", "one")
    record = tracked_version(
        package=tmp_path / "model",
        uri=str(tmp_path / "model"),
        verdict=Verdict(),
        evaluation=tmp_path,
        settings=RunSettings(),
        data_version="d1",
    )
    assert record.metrics == {} and "judged_trips" not in record.facts and record.facts["verdict"] == "not_blessed"


def test_the_digest_of_the_settings_is_of_those_that_make_the_model() -> None:
    changed = RunSettings(train=TrainSettings(seed=8))
    assert settings_digest(with_registry("http://registry:8080")) == settings_digest(RunSettings())
    assert settings_digest(changed) != settings_digest(RunSettings())
