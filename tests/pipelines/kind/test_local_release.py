"""What `make kind-demo` does on a cluster without KFP: a run here, a real object store, a cluster in memory."""

import base64
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pyarrow import fs

from components.inference_service.traffic import Traffic, Version, read
from model.errors import CheckFailed
from model.files import write_json
from pipelines.kind import local_release
from pipelines.kind.local_release import release_from_here
from pipelines.local.run_directory import Paths
from tests.components.inference_service.fake_cluster import Clock, FakeCluster
from tests.model.serving.request_log.seaweedfs_server import Seaweed, seaweedfs_server

STABLE, CANARY = "2020-01-01-1111", "2020-01-02-2222"
KEYS = {"accesskey": "minio", "secretkey": "minio-secret"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    with seaweedfs_server(tmp_path_factory.mktemp("store")) as server:
        server.shell("s3.bucket.create -name mlpipeline\n")
        admin = f"s3.configure -user admin -access_key {KEYS['accesskey']} -secret_key {KEYS['secretkey']}"
        server.shell(f"{admin} -actions Admin -apply\n")
        yield server


@pytest.fixture
def forwards(store: Seaweed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, int]]:
    """(namespace, service, port) of each port-forward; kubectl has the store's keys."""
    made: list[tuple[str, str, int]] = []

    @contextmanager
    def forwarded(scratch: Path, namespace: str, service: str, port: int) -> Iterator[str]:
        made.append((namespace, service, port))
        yield store.url

    monkeypatch.setattr(local_release, "forwarded", forwarded)
    encoded = {name: base64.b64encode(value.encode()).decode() for name, value in KEYS.items()}
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(
        f"#!{sys.executable}\nimport sys\nname = sys.argv[-1].partition('.data.')[2].rstrip('}}')\n"
        f"print({encoded!r}[name], end='')\n"
    )
    kubectl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return made


def _run(out: Path) -> None:
    """What `aisle train` leaves in the registry, as far as it is read here."""
    registry = Paths(out=out).registry
    for version in (STABLE, CANARY):
        weights = registry / "models" / version / "ranker"
        weights.mkdir(parents=True)
        (weights / "weights.bin").write_bytes(version.encode())
    write_json(registry / "state.json", {"stable": STABLE, "canary": CANARY, "previous": None, "history": []})


def _asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """(address, version) of each smoke test."""
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr(local_release, "ask", lambda url, version: asked.append((url, version)))
    return asked


@pytest.mark.needs("weed")
def test_both_models_are_in_the_store_and_the_canary_has_its_share_after_it_has_answered(
    store: Seaweed, forwards: list[tuple[str, str, int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[tuple[str, ...]] = []

    def transcript(*command: str) -> tuple[int, str]:
        commands.append(command)
        _run(tmp_path / "run")
        return 0, ""

    monkeypatch.setattr(local_release, "transcript", transcript)
    asked, cluster = _asked(monkeypatch), FakeCluster()
    release_from_here(cluster, tmp_path / "run", Clock().patience())

    (command,) = commands
    assert command[1:5] == ("train", "--fast", "--out", str(tmp_path / "run")) and "--override" in command
    stable, canary = (Version(name=version, uri=f"s3://mlpipeline/kind-demo/{version}") for version in (STABLE, CANARY))
    assert read(cluster.record()) == Traffic(stable=stable, canary=canary, percent=10)
    assert asked == [(store.url, CANARY)]
    assert forwards == [("kubeflow", "seaweedfs", 8333), ("aisle", "aisle-v2222-predictor", 80)]
    bucket = fs.S3FileSystem(
        access_key=KEYS["accesskey"],
        secret_key=KEYS["secretkey"],
        endpoint_override=store.url.removeprefix("http://"),
        scheme="http",
    )
    for version in (STABLE, CANARY):
        with bucket.open_input_stream(f"mlpipeline/kind-demo/{version}/ranker/weights.bin") as stored:
            assert stored.read() == version.encode()

    release_from_here(cluster, tmp_path / "run", Clock().patience())
    assert len(commands) == 1, "a run with a canary is not made again"


def test_a_run_that_fails_or_leaves_no_canary_ends_it_and_the_cluster_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = FakeCluster()
    monkeypatch.setattr(local_release, "transcript", lambda *_: (1, ""))
    with pytest.raises(CheckFailed, match="aisle train: exit 1; its output is above"):
        release_from_here(cluster, tmp_path / "run")
    monkeypatch.setattr(local_release, "transcript", lambda *_: (0, ""))
    with pytest.raises(CheckFailed, match=r"expected a canary in .*registry, got none"):
        release_from_here(cluster, tmp_path / "run")
    assert cluster.applied == []
