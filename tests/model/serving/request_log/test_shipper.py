"""The request log on its way to a real SeaweedFS: nothing is lost, nothing is there twice."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from components.monitor.data import visits
from components.rollout.local.processes import Backend, Process, free_port, running, wait_ready
from model.errors import InputError
from model.request_log.reader import read
from model.serving.request_log.shipper import name_of, ship
from model.serving.request_log.spool import Waiting, oldest_age_s, waiting
from model.serving.request_log.writer import LogOptions, RequestLog
from model.serving.telemetry import metrics
from model.system import object_store
from pipelines.kind.cluster_secrets import LOG_BUCKET, bucket_user
from tests.model.serving.fake_server import write_model
from tests.model.serving.live_server import FAKE, Server, tensor
from tests.model.serving.request_log.seaweedfs_server import Seaweed, seaweedfs_server

pytestmark = pytest.mark.needs("weed")
WRITER, READER = ("writer", "w-secret"), ("reader", "r-secret")
QUICK = LogOptions(roll_rows=10)


def make_bucket(store: Seaweed) -> Seaweed:
    """As `make kind-deploy` does it."""
    store.shell(f"s3.bucket.create -name {LOG_BUCKET}\n")
    store.shell(bucket_user(LOG_BUCKET, *WRITER, "Read,Write") + bucket_user(LOG_BUCKET, *READER, "Read,List"))
    return store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    with seaweedfs_server(tmp_path_factory.mktemp("store")) as server:
        yield make_bucket(server)


@pytest.fixture
def url(request: pytest.FixtureRequest) -> str:
    """A place in the bucket for each test."""
    return f"s3://{LOG_BUCKET}/{request.node.name[:40]}"


@pytest.fixture(autouse=True)
def _reader(store: Seaweed, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process only reads, unless a test changes that."""
    monkeypatch.setenv("AISLE_AWS_ENDPOINT_URL", store.url)
    be(READER, monkeypatch)


def shipper(
    endpoint: str, log: Path, url: str, name: str = "shipper", *options: str
) -> AbstractContextManager[Process]:
    command = ["env", "-u", "AISLE_AWS_ACCESS_KEY_ID", sys.executable, "-m", "model.serving.request_log.shipper"]
    command += ["--from", str(log), "--to", url, "--host", "pod-1", "--every-s", "0.1", *options]
    return running(name, command, log.parent / f"{name}.log", keys(endpoint, WRITER))


def keys(endpoint: str, user: tuple[str, str]) -> dict[str, str]:
    """The environment of one who uses the store."""
    return {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": user[0], "AWS_SECRET_ACCESS_KEY": user[1]}


def be(user: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """This process uses the store by the variables that a pipeline's step has."""
    for name, value in keys("", user).items():
        if value:
            monkeypatch.setenv(f"AISLE_{name}", value)


def write(log: RequestLog, first: int, count: int) -> list[str]:
    """Rows named by their number."""
    for n in range(first, first + count):
        log.write({"request_id": str(n), "version": "v1", "time_s": n, "logged_s": float(n), "item_ids": ["a"]})
    return [str(n) for n in range(first, first + count)]


def ids(place: Path | str, **span: int) -> list[str]:
    return [str(name) for name in read(place, **span)["request_id"].to_pylist()]


def until(condition: Callable[[], bool], limit_s: float = 15) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_what_is_asked_of_a_server_is_what_the_monitor_reads_though_both_processes_are_killed(
    store: Seaweed, url: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    backend = Backend(http_port=free_port(), grpc_port=free_port())
    command = [sys.executable, "-m", FAKE, "--host-loopback", "--store", str(tmp_path / "state")]
    command += ["--model-dir", str(write_model(tmp_path / "model", "v7", items=["a", "b"]))]
    command += ["--http-port", str(backend.http_port), "--grpc-port", str(backend.grpc_port)]
    command += ["--request-log", str(log), "--log-roll-s", "0.3", "--log-keep-mb", "50"]
    with running("server", command, tmp_path / "server.log") as process:
        wait_ready(process, backend)
        server = Server(process, backend.http_port, backend.grpc_port, None, log)  # type: ignore[arg-type]
        begun_s = time.time()
        with shipper(store.url, log, url, "first") as first:
            for n in range(20):
                assert server.infer(tensor("user_id", "u"), id=f"r-{n:02d}")[0] == 200
                time.sleep(0.05)
            first.kill()
        for n in range(20, 40):
            assert server.infer(tensor("user_id", "u"), id=f"r-{n:02d}")[0] == 200
        until(lambda: "aisle_request_log_waiting_files 0.0" not in server.call("GET", "/metrics")[1])
        with shipper(store.url, log, url, "second") as second:
            until(lambda: "aisle_request_log_waiting_files 0.0" in server.call("GET", "/metrics")[1])
            for n in range(40, 60):
                assert server.infer(tensor("user_id", "u"), id=f"r-{n:02d}")[0] == 200
            time.sleep(0.1)
            process.kill()
            second.stop()
            assert second.exit_code == 0
    answers = visits.read(url, begun_s - 60, time.time() + 60)
    assert (
        len(answers) == 60 and set(answers["version"]) == {"v7"} and answers["item_ids"].iloc[0].tolist() == ["a", "b"]
    )
    assert ids(url) == [f"r-{n:02d}" for n in range(60)]
    assert list(log.iterdir()) == []


def test_a_file_that_was_uploaded_and_not_deleted_is_uploaded_again_under_its_name(
    store: Seaweed, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    be(WRITER, monkeypatch)
    with RequestLog(tmp_path / "log") as log:
        asked = write(log, 0, 5)
    logged = read(tmp_path / "log")
    shutil.copytree(tmp_path / "log", tmp_path / "before")
    for directory in (tmp_path / "log", tmp_path / "before"):
        ship(directory, *object_store.open_url(url), "pod-1")
        assert waiting(directory) == []
    be(READER, monkeypatch)
    assert len(object_store.files(url)[1]) == 1 and ids(url) == asked
    assert read(url).equals(logged) and read(url, columns=["k"]).equals(logged.select(["k"]))


def test_while_the_store_is_away_or_has_no_bucket_files_stay_and_it_is_logged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports, url, log = [free_port() for _ in range(8)], f"s3://{LOG_BUCKET}/requests", tmp_path / "log"
    endpoint = f"http://127.0.0.1:{ports[6]}"
    monkeypatch.setenv("AISLE_AWS_ENDPOINT_URL", endpoint)
    with shipper(endpoint, log, url) as process, RequestLog(log, QUICK) as writer:
        asked = write(writer, 0, 20)
        until(lambda: "takes no file" in process.log.read_text())
        with pytest.raises(InputError, match=r"cannot be read .*expected a bucket of that name, AWS_ENDPOINT_URL"):
            read(url)
        with seaweedfs_server(tmp_path, ports) as there:
            assert len(waiting(log)) == 2 and oldest_age_s(log) > 1
            make_bucket(there)
            until(lambda: not waiting(log))
            assert ids(url) == asked
            asked += write(writer, 20, 10)
            until(lambda: ids(url) == asked)
        lines = process.log.read_text()
        assert (lines.count("takes no file"), lines.count("takes files again")) == (1, 1)


def test_after_sigterm_it_goes_on_until_the_server_has_ended(store: Seaweed, url: str, tmp_path: Path) -> None:
    with shipper(store.url, tmp_path / "log", url, "patient", "--linger-s", "10") as process:
        with RequestLog(tmp_path / "log", QUICK) as log:
            asked = write(log, 0, 10)
            until(lambda: ids(url) == asked)
            os.kill(process.pid, signal.SIGTERM)
            time.sleep(0.7)
            asked += write(log, 10, 5)
        until(lambda: process.exit_code is not None)
        assert process.exit_code == 0
    assert ids(url) == asked


def test_it_does_not_wait_for_a_server_for_ever(store: Seaweed, url: str, tmp_path: Path) -> None:
    with RequestLog(tmp_path / "log") as log:
        write(log, 0, 5)
        with shipper(store.url, tmp_path / "log", url, "hasty", "--linger-s", "0.2") as process:
            until(lambda: "shipping from" in process.log.read_text())
            process.stop()
            assert process.exit_code == 1 and "after the end" in process.last_lines(1)


def test_beyond_its_bound_the_oldest_files_are_given_up_and_counted(tmp_path: Path) -> None:
    before = metrics.LOG_DROPPED._value.get()
    with RequestLog(tmp_path, LogOptions(roll_rows=10, keep_mb=0.02)) as log:
        write(log, 0, 100)
    left = ids(tmp_path)
    assert left == [str(n) for n in range(100 - len(left), 100)] and 10 <= len(left) < 100
    assert metrics.LOG_DROPPED._value.get() == before + 100 - len(left)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 20_000
    assert metrics.LOG_WAITING_FILES.collect()[0].samples[0].value == len(left) / 10


def test_a_file_is_called_by_the_day_it_was_finished_its_host_and_its_own_name() -> None:
    file = Waiting(86_400.0 * 3 - 1, Path("/log/v1-1-5-000001.parquet"), 10)
    assert name_of(file, "pod-1") == "1970-01-03/pod-1-v1-1-5-000001.parquet"


def test_a_file_whose_journal_is_still_there_waits(tmp_path: Path) -> None:
    for name in ("a.parquet", "b.parquet", "b.journal", "c.finishing"):
        (tmp_path / name).write_text("x")
    assert [file.path.name for file in waiting(tmp_path)] == ["a.parquet"]


def test_days_that_ended_before_the_span_are_not_looked_at(
    store: Seaweed, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    be(WRITER, monkeypatch)
    for day, broken in ((2, True), (5, False), (6, False)):
        with RequestLog(tmp_path) as log:
            write(log, 86_400 * day, 1)
        (file,) = waiting(tmp_path)
        if broken:
            file.path.write_text("no Parquet")
        os.utime(file.path, (86_400 * day, 86_400 * day))
        ship(tmp_path, *object_store.open_url(url), "pod-1")
    be(READER, monkeypatch)
    days = [path.split("/")[-2] for path in object_store.files(url)[1]]
    assert days == ["1970-01-03", "1970-01-06", "1970-01-07"]
    assert ids(url, since_s=86_400 * 4) == ["432000", "518400"] and ids(url, since_s=86_400 * 6) == ["518400"]
    with pytest.raises(InputError, match="has a file that cannot be read"):
        ids(url, since_s=86_400 * 3)


def test_each_user_of_the_bucket_may_do_its_part_and_no_more(
    store: Seaweed, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ids(url) == []  # nothing was shipped yet
    store.shell("s3.bucket.create -name models\n")
    with RequestLog(tmp_path) as log:
        write(log, 0, 1)
    with pytest.raises(OSError, match=r"(?i)access.?denied"):
        ship(tmp_path, *object_store.open_url(url, attempts=1), "pod-1")  # as the reader
    be(WRITER, monkeypatch)
    with pytest.raises(OSError, match=r"(?i)access.?denied"):
        ship(tmp_path, *object_store.open_url("s3://models/requests", attempts=1), "pod-1")
    assert len(waiting(tmp_path)) == 1


@pytest.mark.parametrize(
    ("place", "keys", "message"),
    [
        ("s3://none-such/requests", {}, "cannot be read|expected a bucket none-such"),
        (f"s3://{LOG_BUCKET}/requests", {"AISLE_AWS_SECRET_ACCESS_KEY": "wrong"}, "cannot be read"),
        (f"s3://{LOG_BUCKET}/requests", {"AISLE_AWS_ACCESS_KEY_ID": "nobody"}, "cannot be read"),
        (
            f"s3://{LOG_BUCKET}/requests",
            {"AISLE_AWS_ENDPOINT_URL": "127.0.0.1:8333"},
            "AWS_ENDPOINT_URL: expected http",
        ),
        ("s3://", {}, "expected an address like s3://bucket/path"),
        ("s3://a//b", {}, "expected an address like s3://bucket/path"),
    ],
)
def test_a_wrong_place_or_key_is_reported_in_one_line(
    place: str, keys: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=message) as error:
        read(place)
    assert "\n" not in str(error.value)


def test_the_shipper_refuses_an_address_that_is_none(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "model.serving.request_log.shipper", "--from", str(tmp_path), "--to", "requests"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        2,
        "aisle shipper: expected an address like s3://bucket/path, got 'requests'\n",
    )


def test_a_signal_during_an_upload_does_not_end_it(tmp_path: Path) -> None:
    """The SDK's own threads may be the ones that get it."""
    with RequestLog(tmp_path / "log") as log:
        write(log, 0, 5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with shipper(endpoint, tmp_path / "log", f"s3://{LOG_BUCKET}/requests") as process:
            silent.accept()
            for _ in range(3):
                os.kill(process.pid, signal.SIGTERM)
                time.sleep(0.1)
            assert process.exit_code is None
            process.kill()
