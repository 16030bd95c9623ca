"""The API server, as far as push and rollout need it. The only module that imports the Kubernetes client."""

import json
import re
import time
from datetime import UTC, datetime

from kubernetes import client, config
from kubernetes.client.rest import ApiException
from urllib3.exceptions import HTTPError

from components.inference_service.observed import observe
from components.inference_service.traffic import API_VERSION, FIELD_MANAGER, NAME, RECORD, KubeObject
from components.kfp_support.progress import progress
from model.errors import CheckFailed, InputError
from model.registry.roles import Roles

LEASE = "aisle-rollout"
TIMEOUT_S = 30
WEBHOOK_S = 60.0
"""How long KServe's webhook may be silent, as while its controller restarts, before an apply is given up; seconds."""
RETRY_S = 3.0
_APPLY, _MERGE = "application/apply-patch+yaml", "application/merge-patch+json"
_DENIED = re.compile(r'admission webhook "([^"]+)" denied the request: (.*)')


class Changed(CheckFailed):
    """The object is no longer of the resourceVersion that was read; nothing was changed."""


class WebhookSilent(CheckFailed):
    """KServe's webhook did not answer, so nothing was changed; the same apply may work later."""


class Missing(InputError):
    """There is no object of that name."""


class Cluster:
    """One namespace with one InferenceService in it, by the pod's own account, else by the kubeconfig in use."""

    needs, role = "KServe", "aisle-rollout"
    """What its kinds come with, and the role that allows its calls: for messages."""

    def __init__(self, namespace: str, kubeconfig: str | None = None) -> None:
        self.namespace = namespace
        try:
            if kubeconfig is None:
                config.load_config()
                self._client = client.ApiClient()
            else:
                self._client = config.new_client_from_config(kubeconfig)
        except config.ConfigException as error:
            raise InputError(f"expected a cluster to talk to, got none ({error}); set KUBECONFIG") from None

    def service(self) -> KubeObject:
        """The InferenceService as it is now. Raises InputError when it, or its kind, is not there."""
        return self._get(self._path("InferenceService"))

    def record(self) -> KubeObject:
        """The ConfigMap that declares its versions. Raises InputError when it is not there."""
        try:
            return self._get(self._path("ConfigMap"))
        except InputError:
            self.service()  # where KServe is missing as a whole, this raises that
            raise

    def roles(self) -> Roles[str]:
        """Those of the service as it is now, edits by kubectl included: on a cluster it is their one source."""
        return observe(self.service(), self.record()).traffic.names()

    def route(self) -> KubeObject | None:
        """The HTTPRoute that KServe writes for the service; None while there is none, or it may not be read."""
        path = f"/apis/gateway.networking.k8s.io/v1/namespaces/{self.namespace}/httproutes/{NAME}"
        try:
            return self._get(path)
        except InputError:
            return None

    def runtime(self, name: str) -> KubeObject:
        """The ServingRuntime of that name. Raises InputError when it is not there."""
        return self._get(f"/apis/serving.kserve.io/v1alpha1/namespaces/{self.namespace}/servingruntimes/{name}")

    def apply(self, part: KubeObject) -> KubeObject:
        """Server-side apply of our fields of the service, or of the record; returns the object.

        Fields that `kubectl edit` or `patch` has set belong to that manager from then on. They are taken back: what was
        set there is read, and adopted, before anything is applied (components/inference_service/observed.py).

        Raises:
            Changed: `part` has a resourceVersion that is no longer the object's.
            InputError, CheckFailed: it is refused.
        """
        query = [("fieldManager", FIELD_MANAGER), ("fieldValidation", "Strict"), ("force", "true")]
        deadline = time.monotonic() + WEBHOOK_S
        while True:
            try:
                return self._call("PATCH", self._path(part["kind"]), query, part)
            except WebhookSilent:
                if time.monotonic() > deadline:
                    raise
                time.sleep(RETRY_S)

    def clear(self, patch: KubeObject) -> None:
        """Merges a patch of nulls into the service: the fields go, whichever manager has set them."""
        self._call("PATCH", self._path("InferenceService"), [("fieldManager", FIELD_MANAGER)], patch, _MERGE)

    def pods(self) -> list[KubeObject]:
        """The pods of the service."""
        query = [("labelSelector", f"serving.kserve.io/inferenceservice={NAME}")]
        items: list[KubeObject] = self._get(f"/api/v1/namespaces/{self.namespace}/pods", query)["items"]
        return items

    def warnings(self) -> list[str]:
        """`object: message` of the namespace's warning events, oldest first."""
        events = self._get(f"/api/v1/namespaces/{self.namespace}/events", [("fieldSelector", "type=Warning")])["items"]
        events.sort(key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "")
        return [f"{event['involvedObject']['name']}: {event.get('message', '')}" for event in events]

    def lease(self) -> KubeObject:
        """The Lease of the rollout's controller. Raises InputError when it is not there."""
        return self._get(self._path("Lease"))

    def note(self, reason: str, message: str, warning: bool = False) -> None:
        """Makes an Event of the service, for `kubectl describe` and `kubectl get events`.

        A rollout does not depend on it: where it is refused, there is none.

        Args:
            reason: one word in CamelCase.
        """
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        try:
            about = {"apiVersion": API_VERSION, "kind": "InferenceService", "name": NAME, "namespace": self.namespace}
            about["uid"] = self.service()["metadata"].get("uid", "")
            metadata = {"generateName": f"{NAME}.", "namespace": self.namespace}
            event: KubeObject = {"apiVersion": "v1", "kind": "Event", "metadata": metadata, "involvedObject": about}
            event |= {"reason": reason, "message": message[:1000], "type": "Warning" if warning else "Normal"}
            event |= {"source": {"component": FIELD_MANAGER}, "reportingComponent": FIELD_MANAGER, "count": 1}
            event |= {"firstTimestamp": now, "lastTimestamp": now}
            self._call("POST", f"/api/v1/namespaces/{self.namespace}/events", [], event, "application/json")
        except (InputError, CheckFailed) as error:
            progress(f"no event was made: {error}")

    def _path(self, kind: str) -> str:
        if kind == "Lease":
            return f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/leases/{LEASE}"
        if kind == "ConfigMap":
            return f"/api/v1/namespaces/{self.namespace}/configmaps/{RECORD}"
        return f"/apis/{API_VERSION}/namespaces/{self.namespace}/inferenceservices/{NAME}"

    def _get(self, path: str, query: list[tuple[str, str]] | None = None) -> KubeObject:
        return self._call("GET", path, query or [], None)

    def _call(
        self, verb: str, path: str, query: list[tuple[str, str]], body: KubeObject | None, kind: str = _APPLY
    ) -> KubeObject:
        headers = {"Accept": "application/json"} | ({"Content-Type": kind} if body is not None else {})
        try:
            reply = self._client.call_api(
                path,
                verb,
                query_params=query,
                header_params=headers,
                body=body,
                auth_settings=["BearerToken"],
                _preload_content=False,
                _return_http_data_only=True,
                _request_timeout=TIMEOUT_S,
            )
        except ApiException as error:
            raise refusal(error.status, error.body, self.namespace, self.needs, self.role) from None
        except HTTPError as error:
            raise InputError(f"expected an API server, none answers ({error!s:.120}); check KUBECONFIG") from None
        result: KubeObject = json.loads(reply.data)
        return result


def context_namespace(kubeconfig: str | None = None) -> str:
    """The namespace of the current context; `aisle` where it names none.

    kubeconfig: its file; None: that of KUBECONFIG, else the user's.
    """
    try:
        _, context = config.list_kube_config_contexts(kubeconfig)
    except config.ConfigException:
        return NAME
    namespace: str = (context or {}).get("context", {}).get("namespace") or NAME
    return namespace


def refusal(
    status: int, body: str | bytes | None, namespace: str, needs: str = Cluster.needs, role: str = Cluster.role
) -> InputError | CheckFailed:
    """The error for a reply of the API server, with what to do.

    Args:
        status: of the HTTP reply.
        body: a Status object as JSON, or plain text.
        needs: what has to be installed for the kind that was asked for.
        role: the role that allows the call.
    """
    try:
        message = json.loads(body or "")["message"]
    except (ValueError, KeyError, TypeError):
        message = body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")
    message = " ".join(message.split())[:400]
    if status == 404 and '"' not in message:
        return InputError(f"expected a cluster with {needs}, it has none of its kinds; install {needs} first")
    if status == 404:
        return Missing(f"{message}; apply the manifests of an overlay first, in namespace {namespace}")
    if denied := _DENIED.search(message):
        return CheckFailed(f"refused by webhook {denied[1]}: {denied[2]}")
    if status in (401, 403) and "exceeded quota" not in message:
        return InputError(f"not allowed: {message}; the role {role} gives what is needed")
    if status == 409:
        return Changed(f"changed in between: {message}")
    if "failed calling webhook" in message:
        return WebhookSilent(f"KServe's controller does not answer: {message}; check its pods in namespace kserve")
    return CheckFailed(f"refused by the API server ({status}): {message}")
