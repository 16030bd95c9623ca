"""What the demo needs of the cluster of kubectl's context: KFP, the gateway, a caller's key."""

import base64
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import urllib3

from components.inference_service.cluster_client import Cluster
from components.inference_service.traffic import NAME
from model.errors import CheckFailed, StageFailed
from model.request_log.routing_headers import USER_HEADER
from model.system.programs import find_program
from pipelines.kind.local_release import BY, REASON, release_from_here
from pipelines.kind.port_forward import forwarded
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
HERE = Path("build/kind")
"""The run of `aisle train` on a cluster without KFP."""
RUN_S = 5400.0
"""Longest wait for the run, seconds; it took a quarter of an hour on two cores."""
TIMEOUT_S = 10.0
"""Of one request, seconds."""
OVERRIDE = ("--param", f"override_reason={REASON}", "--param", f"override_by={BY}")
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

    def page(self, run: str) -> str:
        """Address of the run on KFP's page, without a run of the page; empty on a cluster without KFP."""
        if not self._has_kfp():
            return ""
        return f"{PAGE}/#/runs" + (f"/details/{run}" if run else "")

    def _has_kfp(self) -> bool:
        return succeeds("kubectl", "get", f"deployment/{API}", "-n", KFP)

    def train(self) -> str:
        """Trains and releases a canary: by `aisle submit` where there is KFP, else on this machine.

        Returns the run's id in KFP; empty without KFP.

        Raises InputError, StageFailed or CheckFailed when the run, or the release of its model, does not succeed.
        """
        if not self._has_kfp():
            release_from_here(self.cluster, HERE)
            return ""
        run("kubectl", "wait", "--for=condition=Available", "--timeout=600s", f"deployment/{API}", "-n", KFP)
        with (
            tempfile.TemporaryDirectory(prefix="aisle-") as scratch,
            forwarded(Path(scratch), KFP, API, API_PORT) as host,
        ):
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
