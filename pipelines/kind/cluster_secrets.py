"""Secrets of kind's cluster: made where they are missing, and shown to no user of the machine."""

import json
import secrets
import subprocess

from model.errors import StageFailed
from pipelines.kind.shell import run, succeeds

STORE = "seaweedfs.kubeflow:8333"
"""KFP's object store, in the cluster."""
LOG_BUCKET = "aisle-log"
"""As in manifests/components/request-log; the secrets with its keys have the same name."""
LOG_USERS = (
    (LOG_BUCKET, "aisle", "Read,Write"),
    (LOG_BUCKET, "kubeflow", "Read,List"),
    (f"{LOG_BUCKET}-reader", "aisle", "Read,List"),
)
"""(secret, namespace, rights in the bucket): the servers' shipper, the pipelines, and the rollout's controller."""
MODEL_BUCKET = "mlpipeline"
"""Where KFP stores artifacts; servers may read them, and no more."""


def make_secrets() -> None:
    """Makes, where they are missing, a password, keys of callers and of senders of events, and keys of the object
    store, one for a purpose."""
    for name, key in (("aisle-redis", "password"), ("aisle-api-keys", "demo"), ("aisle-write-keys", "till")):
        if not _exists(name):
            _secret(name, {key: secrets.token_urlsafe(32)})
    if not _exists("aisle-s3"):
        keys = _user(MODEL_BUCKET, "models", "Read,List")
        notes = {"s3-endpoint": STORE, "s3-usehttps": "0", "s3-region": "us-east-1"}
        _secret("aisle-s3", keys, {f"serving.kserve.io/{name}": value for name, value in notes.items()})

    if LOG_BUCKET not in _weed("s3.bucket.list\n"):
        _weed(f"s3.bucket.create -name {LOG_BUCKET}\n")
    for name, namespace, actions in LOG_USERS:
        if not _exists(name, namespace):
            keys = _user(LOG_BUCKET, f"{namespace}{name.removeprefix(LOG_BUCKET)}", actions)
            _secret(name, keys | {"AWS_ENDPOINT_URL": f"http://{STORE}"}, namespace=namespace)


def _user(bucket: str, purpose: str, actions: str) -> dict[str, str]:
    """Makes a user of one bucket, for one purpose; returns its keys as the AWS SDK names them."""
    access, secret = f"{bucket}-{purpose}", secrets.token_urlsafe(32)
    _weed(bucket_user(bucket, access, secret, actions))
    return {"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret}


def bucket_user(bucket: str, access: str, secret: str, actions: str) -> str:
    """The command for SeaweedFS's shell: a user with these keys of this bucket, and of no other.

    actions: the user's rights there, comma-separated: Read, Write, List.
    """
    user = f"s3.configure -user {access} -access_key {access} -secret_key {secret}"
    return f"{user} -buckets {bucket} -actions {actions} -apply\n"


def _weed(commands: str) -> str:
    """The output of SeaweedFS's shell. Commands go through standard input and nothing is shown: both contain keys."""
    shell = ["kubectl", "exec", "-i", "-n", "kubeflow", "deployment/seaweedfs", "--", "weed", "shell"]
    done = subprocess.run(shell, input=commands, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StageFailed(f"{' '.join(shell)}: expected exit 0, got {done.returncode}; is the object store running?")
    return done.stdout


def _exists(secret: str, namespace: str = "aisle") -> bool:
    return succeeds("kubectl", "get", "secret", secret, "-n", namespace)


def _secret(
    name: str, values: dict[str, str], annotations: dict[str, str] | None = None, namespace: str = "aisle"
) -> None:
    """Creates a secret through standard input: every user of the machine can read a command line."""
    metadata = {"name": name, "namespace": namespace, "annotations": annotations or {}}
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": values}
    run("kubectl", "create", "-f", "-", stdin=json.dumps(body))
