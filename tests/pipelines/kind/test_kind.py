"""The secrets that `make kind-deploy` makes, and on which cluster the steps in Python work."""

import json
import sys
from pathlib import Path

import pytest

from pipelines.kind import __main__ as kind
from pipelines.kind import cluster_secrets

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
    cluster_secrets.make_secrets()
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
        assert cluster_secrets.bucket_user("aisle-log", access, secret, actions) in users
        assert not any(secret in words for words, _ in calls)
    (models,) = [secret["stringData"] for secret in made if secret["metadata"]["name"] == "aisle-s3"]
    access, secret = models["AWS_ACCESS_KEY_ID"], models["AWS_SECRET_ACCESS_KEY"]
    assert cluster_secrets.bucket_user("mlpipeline", access, secret, "Read,List") in users
    assert len({user.split("-user ")[1].split()[0] for user in users}) == 4, "a key has one purpose"


@pytest.mark.parametrize("step", ["secrets", "demo"])
@pytest.mark.parametrize(
    ("contexts", "current", "message"),
    [
        ("other", "other", "expected kind's cluster aisle, found none; run `make kind-up`"),
        (
            "kind-aisle other",
            "other",
            "expected kubectl's context kind-aisle, got other; run `kubectl config use-context kind-aisle`",
        ),
    ],
    ids=["no cluster", "another context"],
)
def test_no_step_changes_another_cluster_than_kinds(
    step: str,
    contexts: str,
    current: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    log = tmp_path / "log"
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(
        f'#!/bin/sh\necho "$*" >> {log}\ncase "$2" in\n'
        f"get-contexts) printf '%s\\n' {contexts} ;;\ncurrent-context) echo {current} ;;\nesac\n"
    )
    kubectl.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert kind.main([step]) == 2
    assert capsys.readouterr().err == f"aisle: {message}\n"
    assert all(line.startswith("config ") for line in log.read_text().splitlines())
