"""Both servers get versions and trials, once; what does not answer fails nothing. Where the real ones are on the PATH
(model-registry with PostgreSQL 16 or newer, mlflow), the same tests are run with them."""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from components.rollout.local.processes import free_port
from components.tracking.servers import REGISTERED, Servers
from components.tracking.tracked import TrackedTrial, TrackedVersion
from tests.components.tracking import real_servers
from tests.components.tracking.fake_servers import FakeMlflow, FakeModelRegistry, listening
from tfx_configs.tracking import TrackingSettings

REAL_REGISTRY = pytest.mark.needs("model-registry", "pg_ctl")
REAL_MLFLOW = pytest.mark.needs("mlflow")
VERSION = TrackedVersion(
    version="2020-01-06-aa",
    package="s3://models/one",
    blessed=True,
    facts={"verdict": "blessed", "data_version": "d1"},
    metrics={"ndcg@10": 0.25, "ndcg@10 over popularity percent low": -1.5},
)
REFUSED = dataclasses.replace(
    VERSION, package="s3://models/two", blessed=False, facts={"verdict": "not_blessed"}, metrics={"ndcg@10": 0.125}
)
TRIAL = TrackedTrial(
    name="abc-0001",
    state="pruned",
    params={"train.dimension": "16"},
    facts={"study": "abc", "reason": "below the median"},
    metrics={"ndcg@10": 0.25},
    began_ms=1_000_000,
    ended_ms=2_000_000,
)


@pytest.fixture(scope="module", params=["fake", pytest.param("real", marks=REAL_REGISTRY)])
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    workdir = tmp_path_factory.mktemp("registry")
    fake = request.param == "fake"
    with listening(FakeModelRegistry()) if fake else real_servers.model_registry(workdir) as url:
        yield url


@pytest.fixture(scope="module", params=["fake", pytest.param("real", marks=REAL_MLFLOW)])
def mlflow(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    workdir = tmp_path_factory.mktemp("mlflow")
    with listening(FakeMlflow()) if request.param == "fake" else real_servers.mlflow(workdir) as url:
        yield url


def stored(registry: str, kind: str, name: str, parent: str = "") -> dict[str, Any]:
    """What Kubeflow Model Registry has under a name."""
    query = {"name": name} | ({"parentResourceId": parent} if parent else {})
    answer = httpx.get(f"{registry}/api/model_registry/v1alpha3/{kind}", params=query, timeout=60)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def runs(mlflow: str, experiment: str, name: str) -> list[dict[str, Any]]:
    """The runs of a name in MLflow."""
    base = f"{mlflow}/api/2.0/mlflow"
    of = httpx.get(f"{base}/experiments/get-by-name", params={"experiment_name": experiment}, timeout=60).json()
    ids, wanted = [of["experiment"]["experiment_id"]], f"attributes.run_name = '{name}'"
    body = {"experiment_ids": ids, "filter": wanted, "max_results": 9}
    return list(httpx.post(f"{base}/runs/search", json=body, timeout=60).json()["runs"])


def model_versions(mlflow: str, name: str) -> list[dict[str, Any]]:
    query = {"filter": f"name = '{name}'"}
    answer = httpx.get(f"{mlflow}/api/2.0/mlflow/model-versions/search", params=query, timeout=60)
    return list(answer.json()["model_versions"])


def values(pairs: list[dict[str, Any]]) -> dict[str, Any]:
    return {each["key"]: each["value"] for each in pairs if not each["key"].startswith("mlflow.")}


def test_kubeflow_has_a_version_once_with_its_address_and_what_the_last_record_had(registry: str) -> None:
    servers = Servers.of(TrackingSettings(model_registry=registry, name="versions"))
    assert servers.register(VERSION) == {"Kubeflow Model Registry": REGISTERED}
    model = stored(registry, "registered_model", "versions")
    first = stored(registry, "model_version", VERSION.version, model["id"])
    assert (first["state"], first["registeredModelId"]) == ("LIVE", model["id"])
    assert first["customProperties"] == {
        "verdict": {"metadataType": "MetadataStringValue", "string_value": "blessed"},
        "data_version": {"metadataType": "MetadataStringValue", "string_value": "d1"},
        "ndcg@10": {"metadataType": "MetadataDoubleValue", "double_value": 0.25},
        "ndcg@10 over popularity percent low": {"metadataType": "MetadataDoubleValue", "double_value": -1.5},
    }
    package = stored(registry, "artifact", VERSION.version, first["id"])
    assert (package["artifactType"], package["uri"]) == ("model-artifact", "s3://models/one")

    assert servers.register(REFUSED) == {"Kubeflow Model Registry": REGISTERED}
    second = stored(registry, "model_version", VERSION.version, model["id"])
    assert (second["id"], second["state"]) == (first["id"], "ARCHIVED")
    assert second["customProperties"]["ndcg@10"]["double_value"] == 0.125
    changed = stored(registry, "artifact", VERSION.version, first["id"])
    assert (changed["id"], changed["uri"]) == (package["id"], "s3://models/two")


def test_two_registered_models_have_a_version_of_the_same_name_each(registry: str) -> None:
    for name in ("east", "west"):
        Servers.of(TrackingSettings(model_registry=registry, name=name)).register(VERSION)
    parents = {stored(registry, "registered_model", name)["id"] for name in ("east", "west")}
    assert len({stored(registry, "model_version", VERSION.version, parent)["id"] for parent in parents}) == 2


def test_kubeflow_has_a_trial_once_as_run_of_an_experiment(registry: str) -> None:
    servers = Servers.of(TrackingSettings(model_registry=registry, name="trials"))
    servers.log(TRIAL)
    servers.log(dataclasses.replace(TRIAL, state="done", metrics={"ndcg@10": 0.5}, ended_ms=3_000_000))
    experiment = stored(registry, "experiment", "trials-tune")
    run = stored(registry, "experiment_run", TRIAL.name, experiment["id"])
    assert (run["status"], run["startTimeSinceEpoch"], run["endTimeSinceEpoch"]) == ("FINISHED", "1000000", "3000000")
    assert run["customProperties"]["reason"]["string_value"] == "below the median"
    parameter = stored(registry, "artifact", "train.dimension", run["id"])
    metric = stored(registry, "artifact", "ndcg@10", run["id"])
    assert (parameter["artifactType"], parameter["value"]) == ("parameter", "16")
    assert (metric["artifactType"], metric["value"]) == ("metric", 0.5)


def test_mlflow_has_a_version_once_and_its_metrics_in_a_run(mlflow: str) -> None:
    servers = Servers.of(TrackingSettings(mlflow=mlflow, name="versions"))
    assert servers.register(VERSION) == {"MLflow": REGISTERED}
    assert servers.register(REFUSED) == {"MLflow": REGISTERED}
    (version,) = model_versions(mlflow, "versions")
    assert (version["version"], version["source"]) == ("1", "s3://models/one")
    tags = {
        "verdict": "not_blessed",
        "data_version": "d1",
        "version": VERSION.version,
        "package": "s3://models/two",
    }
    assert values(version["tags"]) == tags
    (run,) = runs(mlflow, "versions", VERSION.version)
    assert (run["info"]["run_id"], run["info"]["status"]) == (version["run_id"], "FINISHED")
    metrics = {"ndcg_at_10": 0.125, "ndcg_at_10 over popularity percent low": -1.5}
    assert (values(run["data"]["tags"]), values(run["data"]["metrics"])) == (tags, metrics)


def test_mlflow_takes_a_package_on_a_disk(mlflow: str) -> None:
    servers = Servers.of(TrackingSettings(mlflow=mlflow, name="disk"))
    assert servers.register(dataclasses.replace(VERSION, package="file:///models/one")) == {"MLflow": REGISTERED}
    (version,) = model_versions(mlflow, "disk")
    assert version["source"] == f"aisle:///{VERSION.version}"
    assert values(version["tags"])["package"] == "file:///models/one"


def test_mlflow_has_a_trial_once_as_run_of_an_experiment(mlflow: str) -> None:
    servers = Servers.of(TrackingSettings(mlflow=mlflow, name="trials"))
    servers.log(TRIAL)
    servers.log(TRIAL)
    (run,) = runs(mlflow, "trials-tune", TRIAL.name)
    info = run["info"]
    assert (info["status"], info["start_time"], info["end_time"]) == ("KILLED", 1_000_000, 2_000_000)
    assert values(run["data"]["params"]) == {"train.dimension": "16"}
    assert values(run["data"]["metrics"]) == {"ndcg_at_10": 0.25}
    assert values(run["data"]["tags"]) == TRIAL.facts


def test_one_server_that_is_away_is_reported_once_and_the_other_has_everything(
    capsys: pytest.CaptureFixture[str],
) -> None:
    fake = FakeMlflow()
    with listening(fake) as url:
        servers = Servers.of(TrackingSettings(model_registry=f"http://127.0.0.1:{free_port()}", mlflow=url))
        answers = servers.register(VERSION)
        servers.log(TRIAL)
    assert answers["MLflow"] == REGISTERED and "Connection refused" in answers["Kubeflow Model Registry"]
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("WARNING: Kubeflow Model Registry did not take 2020-01-06-aa (ConnectError")
    assert [run["info"]["run_name"] for run in fake.runs] == [VERSION.version, TRIAL.name]


@pytest.mark.parametrize(
    ("status", "answer", "reason"),
    [
        (200, "<html>Log in</html>", "JSONDecodeError"),
        (200, [], "expected a JSON object"),
        (200, {}, "KeyError"),
        (200, {"id": None, "experiment": 7}, "TypeError"),
        (403, {"message": "RBAC: access denied"}, "403 to .*RBAC: access denied"),
        (503, "x" * 999, "503 to"),
    ],
)
def test_any_other_answer_is_a_reason_in_one_short_line(status: int, answer: Any, reason: str) -> None:
    with listening(lambda request, content: (status, answer)) as url:
        answers = Servers.of(TrackingSettings(mlflow=url)).register(VERSION)
    assert re.search(reason, answers["MLflow"]) and len(answers["MLflow"]) <= 200


def test_the_token_is_read_for_each_request_and_follows_no_redirect(tmp_path: Path) -> None:
    token, headers, elsewhere = tmp_path / "token", [], []
    token.write_text("first\n")
    fake = FakeModelRegistry()
    with listening(fake, headers) as url:
        servers = Servers.of(TrackingSettings(model_registry=url, token_file=str(token)))
        servers.register(VERSION)
        token.write_text("second\n")
        servers.register(VERSION)
    sent = [each["Authorization"] for each in headers]
    assert set(sent) == {"Bearer first", "Bearer second"} and sent == sorted(sent)
    with listening(fake, elsewhere) as other, listening(lambda request, content: (307, other)) as url:
        answers = Servers.of(TrackingSettings(model_registry=url, token_file=str(token))).register(VERSION)
    assert "307 to" in answers["Kubeflow Model Registry"] and not elsewhere


def test_without_its_token_file_nothing_is_sent(tmp_path: Path) -> None:
    headers: list[dict[str, Any]] = []
    with listening(FakeMlflow(), headers) as url:
        answers = Servers.of(TrackingSettings(mlflow=url, token_file=str(tmp_path / "none"))).register(VERSION)
    assert "FileNotFoundError" in answers["MLflow"] and not headers


def test_without_an_address_nothing_is_asked() -> None:
    assert Servers.of(TrackingSettings()).register(VERSION) == {}
