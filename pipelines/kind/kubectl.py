"""What the demo needs of the cluster of kubectl's context: KFP, the gateway, a caller's key."""

import base64
import re
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import urllib3

from components.inference_service.cluster_client import Cluster
from components.inference_service.traffic import NAME
from components.rollout.local.processes import free_port, running, wait_until
from model.errors import CheckFailed, InputError, StageFailed
from model.request_log.routing_headers import USER_HEADER
from model.system.programs import find_program
from pipelines.kind.shell import output, run, succeeds, transcript
from pipelines.manifests.gateway_routes import HOST

PAGE = "http://127.0.0.1:8888"
"""Address of KFP's page in the documentation."""
GATEWAY = "http://127.0.0.1:8080"
"""Address to which kind-cluster.yaml maps the gateway's node port."""
KFP = "kubeflow"
"""KFP's namespace."""
API = "ml-pipeline"
"""KFP's API server, a Deployment and a Service of that name."""
API_PORT = 8888
RUN_S = 5400.0
"""Longest wait for the run, seconds; it took a quarter of an hour on two cores."""
FORWARD_S = 60.0
TIMEOUT_S = 10.0
"""Of one request, seconds."""
REASON = "a demonstration of a canary: the sample is too small to prove a lead"
OVERRIDE = ("--param", f"override_reason={REASON}", "--param", "override_by=kind-demo")
"""The gate's refusal of the sample's model is overruled, and recorded: this cluster has no shoppers."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Answer of the gateway. `status`: of HTTP, 0 without a response; `body`: where it is no recommendation."""

    status: int
    version: str = ""
    items: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    body: str = ""


class KubectlCluster:
    """A cluster after `make kind-deploy`. `gateway`: its http://host:port, from this machine."""

    def __init__(self, gateway: str = GATEWAY, namespace: str = "aisle") -> None:
        """Raises InputError when there is no kubeconfig."""
        self.cluster = Cluster(namespace)
        self.gateway = gateway

    def train(self) -> str:
        """Runs the cluster pipeline by `aisle submit` to its end; returns the run's id.

        Raises InputError, StageFailed or CheckFailed when KFP is not installed or the run does not succeed.
        """
        if not succeeds("kubectl", "get", f"deployment/{API}", "-n", KFP):
            raise InputError(f"expected KFP in namespace {KFP}, there is no deployment {API}; run `make kind-deploy`")
        run("kubectl", "wait", "--for=condition=Available", "--timeout=600s", f"deployment/{API}", "-n", KFP)
        with tempfile.TemporaryDirectory(prefix="aisle-") as scratch, forwarded(Path(scratch)) as host:
            print(f"KFP's page, if you like: kubectl port-forward -n {KFP} svc/ml-pipeline-ui 8888:80", flush=True)
            command = [find_program("aisle") or "aisle", "submit", "--fast", "--host", host, "--ui-host", PAGE]
            code, shown = transcript(*command, *OVERRIDE, "--timeout-s", f"{RUN_S:.0f}")
        if code:
            again = "its output is above; finished steps come from KFP's cache when you run `make kind-demo` again"
            raise (CheckFailed if code == CheckFailed.exit_code else StageFailed)(f"aisle submit: exit {code}; {again}")
        link = re.search(r"/#/runs/details/([\w-]+)", shown)
        return link[1] if link else ""

    def key(self) -> str:
        """A caller's key. Raises StageFailed when there is none."""
        namespace = self.cluster.namespace
        text = output("kubectl", "get", "secret", "aisle-api-keys", "-n", namespace, "-o", "jsonpath={.data.demo}")
        return base64.b64decode(text).decode()

    def ask(self, shopper: str, key: str) -> Answer:
        """Sends one v2 request through the gateway; an empty key is left out."""
        question = {"inputs": [{"name": "user_id", "shape": [1], "datatype": "BYTES", "data": [shopper]}]}
        headers = {"Host": HOST, "Connection": "close", USER_HEADER: shopper} | ({"x-api-key": key} if key else {})
        url = f"{self.gateway}/v2/models/{NAME}/infer"
        try:
            response = urllib3.request("POST", url, json=question, headers=headers, timeout=TIMEOUT_S, retries=False)
            if response.status != 200:
                return Answer(status=response.status, body=response.data.decode(errors="replace"))
            answer = response.json()
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            return Answer(status=0, body=str(error))
        outputs = {output["name"]: tuple(output["data"]) for output in answer.get("outputs", [])}
        items, reasons = outputs.get("item_id", ()), outputs.get("reason", ())
        return Answer(status=200, version=answer.get("model_version", ""), items=items, reasons=reasons)


@contextmanager
def forwarded(scratch: Path) -> Iterator[str]:
    """KFP's API on a free port of this machine; yields its address.

    kubectl ends when the pod behind it does, so it is started again until the block ends.
    Raises StageFailed, with kubectl's message, when nothing listens within FORWARD_S.
    """
    port = free_port()
    forward = ["kubectl", "port-forward", "-n", KFP, f"service/{API}", f"{port}:{API_PORT}", "--address", "127.0.0.1"]
    command = ["bash", "-c", 'until "$@"; do sleep 1; done', "port-forward", *forward]
    with running("port-forward", command, scratch / "port-forward.log") as process:
        wait_until(lambda: _listens(port), process, "ready", FORWARD_S)
        yield f"http://127.0.0.1:{port}"


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
