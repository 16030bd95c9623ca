"""What `make kind-up` asks of a machine, and the secrets that `make kind-deploy` makes."""

import json
import sys
from pathlib import Path

import pytest

from model.errors import InputError
from pipelines.kind import __main__ as kind


def test_a_missing_program_is_named_with_its_fix(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("PATH", "")
    assert kind.main(["up"]) == 2
    assert capsys.readouterr().err.startswith("aisle: expected docker on the PATH, not found; install Docker Engine")


def test_too_little_memory_is_reported_in_numbers() -> None:
    kind.check_memory("MemTotal: 32000000 kB\nMemAvailable: 14500000 kB\n")
    with pytest.raises(InputError, match=r"expected 14 GB of free memory, found 8\.0"):
        kind.check_memory("MemTotal: 16000000 kB\nMemAvailable: 8000000 kB\n")


def test_nothing_is_removed_where_there_is_no_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert kind.main(["down"]) == 0


KUBECTL = """#!{python}
import json, sys
words = " ".join(sys.argv[1:])
if words.startswith("get secret"):
    sys.exit(1)
else:
    with open({log!r}, "a") as log:
        print(json.dumps([words, sys.stdin.read()]), file=log)
"""


def test_models_and_each_side_of_the_request_log_have_keys_of_their_own_and_none_is_on_a_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubectl, log = tmp_path / "kubectl", tmp_path / "log"
    kubectl.write_text(KUBECTL.format(python=sys.executable, log=str(log)))
    kubectl.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    kind._secrets()
    calls = [json.loads(line) for line in log.read_text().splitlines()]
    made = [json.loads(stdin) for words, stdin in calls if words.startswith("create")]
    logs = {
        (secret["metadata"]["name"], secret["metadata"]["namespace"]): secret["stringData"]
        for secret in made
        if secret["metadata"]["name"].startswith("aisle-log")
    }
    names = {"aisle-redis", "aisle-api-keys", "aisle-write-keys", "aisle-s3", "aisle-log", "aisle-log-reader"}
    assert {secret["metadata"]["name"] for secret in made} == names
    assert {keys["AWS_ENDPOINT_URL"] for keys in logs.values()} == {"http://seaweedfs.kubeflow:8333"}
    users = [stdin for words, stdin in calls if words.startswith("exec") and stdin.startswith("s3.configure")]
    for place, actions in (
        (("aisle-log", "aisle"), "Read,Write"),
        (("aisle-log", "kubeflow"), "Read,List"),
        (("aisle-log-reader", "aisle"), "Read,List"),
    ):
        access, secret = logs[place]["AWS_ACCESS_KEY_ID"], logs[place]["AWS_SECRET_ACCESS_KEY"]
        assert kind.bucket_user("aisle-log", access, secret, actions) in users
        assert not any(secret in words for words, _ in calls)
    (models,) = [secret["stringData"] for secret in made if secret["metadata"]["name"] == "aisle-s3"]
    access, secret = models["AWS_ACCESS_KEY_ID"], models["AWS_SECRET_ACCESS_KEY"]
    assert kind.bucket_user("mlpipeline", access, secret, "Read,List") in users
    assert len({user.split("-user ")[1].split()[0] for user in users}) == 4, "a key has one purpose"


@pytest.mark.parametrize("step", ["load", "deploy", "demo"])
def test_no_step_but_up_goes_on_without_kinds_own_cluster(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    _programs(tmp_path, monkeypatch, clusters="other")
    assert kind.main([step]) == 2
    assert capsys.readouterr().err == "aisle: expected kind's cluster aisle, found none; run `make kind-up`\n"


def test_a_cluster_that_is_up_is_left_as_it_is_regardless_of_its_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = _programs(tmp_path, monkeypatch, clusters="aisle")
    monkeypatch.setattr(kind, "NEEDED_GB", 10.0**6)
    assert kind.main(["up"]) == 0
    assert "kubectl config use-context kind-aisle\n" in log.read_text() and "create" not in log.read_text()
    _programs(tmp_path, monkeypatch, clusters="")
    assert kind.main(["up"]) == 2


def _programs(folder: Path, monkeypatch: pytest.MonkeyPatch, clusters: str) -> Path:
    """Programs that succeed and write their arguments into the file returned; kind has these clusters."""
    log = folder / "log"
    for name in kind.PROGRAMS:
        (folder / name).write_text(f'#!/bin/sh\necho "{name} $*" >> {log}\n[ "$1" = get ] && echo {clusters}\nexit 0\n')
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return log
