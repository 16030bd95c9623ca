"""`python -m pipelines.kind STEP`: a cluster on this machine, from nothing to a served recommendation.

Every step can be run again, names what is missing and how to get it, and waits on conditions. Only `up` makes a
cluster, and no step changes another than kind's `aisle`. Versions are those of manifests/versions.env.
"""

import argparse
import base64
import json
import secrets
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from jinja2 import StrictUndefined, Template

from model.errors import INTERRUPTED, AisleError, InputError, StageFailed
from pipelines.kind.shell import output, run, succeeds
from pipelines.manifests.render import ROOT, versions

CLUSTER = "aisle"
NEEDED_GB = 14.0
"""KFP, KServe and one training step."""
IMAGES = ("batch", "validate", "serve")
PROGRAMS = {
    "docker": "install Docker Engine (docs.docker.com/engine/install)",
    "kind": "install kind (kind.sigs.k8s.io/docs/user/quick-start)",
    "kubectl": "install kubectl (kubernetes.io/docs/tasks/tools)",
    "helm": "install Helm 3 (helm.sh/docs/intro/install)",
}
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
PLATFORM = Path(__file__).parent / "platform.txt.jinja"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one step; returns 0, or 1 or 2 with one line on stderr."""
    steps = {step.__name__: step for step in (check, up, load, deploy, demo, down)}
    parser = argparse.ArgumentParser(prog="python -m pipelines.kind", description=__doc__)
    parser.add_argument("step", choices=steps)
    try:
        steps[parser.parse_args(argv).step]()
    except AisleError as error:
        print(f"aisle: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("aisle: interrupted; a run that KFP has started continues there", file=sys.stderr)
        return INTERRUPTED
    return 0


def check() -> None:
    """Raises InputError, with the fix, when something is missing that `up` needs."""
    _check_programs()
    check_memory(Path("/proc/meminfo").read_text(encoding="utf-8"))


def _check_programs() -> None:
    """Raises InputError when a program or the Docker daemon is missing."""
    for program, fix in PROGRAMS.items():
        if shutil.which(program) is None:
            raise InputError(f"expected {program} on the PATH, not found; {fix}")
    if not succeeds("docker", "info"):
        raise InputError("expected a running Docker daemon, none answers; start it, or join the group docker")


def check_memory(meminfo: str) -> None:
    """`meminfo`: the text of /proc/meminfo. Raises InputError when less than NEEDED_GB is free."""
    line = next(line for line in meminfo.splitlines() if line.startswith("MemAvailable:"))
    free_gb = int(line.split()[1]) / 1e6
    if free_gb < NEEDED_GB:
        raise InputError(
            f"expected {NEEDED_GB:.0f} GB of free memory, found {free_gb:.1f}; `make demo` needs 3 and no kind"
        )


def up() -> None:
    """Makes the cluster. Free memory is checked only before there is one: later the cluster itself uses it."""
    _check_programs()
    if not _is_up():
        check()
        image = f"kindest/node:v{versions()['KUBERNETES']}"
        config = str(ROOT.parent / "kind-cluster.yaml")
        run("kind", "create", "cluster", "--config", config, "--image", image, "--wait", "180s")
    run("kubectl", "config", "use-context", f"kind-{CLUSTER}")


def _is_up() -> bool:
    return CLUSTER in output("kind", "get", "clusters").split()


def _on_the_cluster() -> None:
    """Points kubectl at kind's cluster. Raises InputError when there is none, or a program is missing."""
    _check_programs()
    if not _is_up():
        raise InputError(f"expected kind's cluster {CLUSTER}, found none; run `make kind-up`")
    run("kubectl", "config", "use-context", f"kind-{CLUSTER}")


def load() -> None:
    """Builds our images and loads them into the node."""
    _on_the_cluster()
    tag = versions()["AISLE"]
    for name in IMAGES:
        image = f"aisle/{name}:{tag}"
        dockerfile = str(ROOT / "images" / "Dockerfile")
        run("docker", "build", "-f", dockerfile, "--target", name, "-t", image, str(ROOT.parent))
        run("kind", "load", "docker-image", image, "--name", CLUSTER)


def deploy() -> None:
    """Installs certificates, gateway, KServe, monitoring objects, KFP, and our manifests."""
    _on_the_cluster()
    template = Template(PLATFORM.read_text(encoding="utf-8"), undefined=StrictUndefined)
    for line in template.render(versions()).splitlines():
        run(*shlex.split(line))
    run("kubectl", "apply", "--server-side", "-f", str(ROOT / "base" / "namespace.yaml"))
    _secrets()
    run("kubectl", "apply", "--server-side", "-k", str(ROOT / "overlays" / "kind"))
    run("kubectl", "rollout", "status", "statefulset/aisle-redis", "-n", "aisle", "--timeout=180s")
    print("deployed; the service waits for its first model: `make kind-demo` trains one and asks it (docs/cluster.md)")


def demo() -> None:
    """Runs training in KFP up to a ready canary, and asks it through the gateway."""
    from pipelines.kind.cluster_demo import demonstrate
    from pipelines.kind.kubectl import KubectlCluster

    _on_the_cluster()
    demonstrate(KubectlCluster())


def down() -> None:
    """Removes the cluster with everything in it, and nothing else."""
    if shutil.which("kind") and _is_up():
        run("kind", "delete", "cluster", "--name", CLUSTER)


def _secrets() -> None:
    """Makes, where they are missing, a password, a key for callers, and the keys of KFP's object store."""
    for name, key in (("aisle-redis", "password"), ("aisle-api-keys", "demo")):
        if not _exists(name):
            _secret(name, {key: secrets.token_urlsafe(32)})
    if not _exists("aisle-s3"):
        text = output("kubectl", "get", "secret", "mlpipeline-minio-artifact", "-n", "kubeflow", "-o", "json")
        store = {key: base64.b64decode(value).decode() for key, value in json.loads(text)["data"].items()}
        keys = {"AWS_ACCESS_KEY_ID": store["accesskey"], "AWS_SECRET_ACCESS_KEY": store["secretkey"]}
        notes = {"s3-endpoint": STORE, "s3-usehttps": "0", "s3-region": "us-east-1"}
        _secret("aisle-s3", keys, {f"serving.kserve.io/{name}": value for name, value in notes.items()})

    if LOG_BUCKET not in _weed("s3.bucket.list\n"):
        _weed(f"s3.bucket.create -name {LOG_BUCKET}\n")
    for name, namespace, actions in LOG_USERS:
        if not _exists(name, namespace):
            access, secret = f"{name}-{namespace}", secrets.token_urlsafe(32)
            _weed(log_user(access, secret, actions))
            keys = {"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret}
            _secret(name, keys | {"AWS_ENDPOINT_URL": f"http://{STORE}"}, namespace=namespace)


def log_user(access: str, secret: str, actions: str) -> str:
    """The command for SeaweedFS's shell: a user with these keys of the request log's bucket, and of no other.

    actions: the user's rights there, comma-separated: Read, Write, List.
    """
    user = f"s3.configure -user {access} -access_key {access} -secret_key {secret}"
    return f"{user} -buckets {LOG_BUCKET} -actions {actions} -apply\n"


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


if __name__ == "__main__":
    sys.exit(main())
