"""The InferenceService as push and rollout see it: which version has which share, in both of KServe's modes.

Everything here is a pure function of plain dictionaries, the JSON of the API. `declared` gives the fields that push and
rollout own, for a server-side apply; the rest of the object comes from manifests/ and is not touched. Names,
addresses and runtimes of the versions, the previous one among them, are in a ConfigMap beside it: KServe copies
annotations of the service into its pods, so that a note there would restart the stable version.

Each version is declared with its ServingRuntime, in which its image is named: what is promoted, rolled back or brought
back keeps the code that it was judged with.

    Standard mode:  spec.canary[0].trafficPercent beside the stable predictor
    Knative mode:   spec.predictor.canaryTrafficPercent; the spec names the newest version, KServe keeps the one before
"""

import re
from dataclasses import dataclass, replace
from typing import Any, Literal

from model.errors import InputError
from model.registry.roles import Roles

KubeObject = dict[str, Any]
"""JSON of an object of the Kubernetes API, most of which is not ours."""

API_VERSION = "serving.kserve.io/v1beta1"
NAME = "aisle"
FIELD_MANAGER = "aisle"
MODE_ANNOTATION = "serving.kserve.io/deploymentMode"
RECORD = "aisle-traffic"
"""The ConfigMap."""
HISTORY = "history"
"""Its key with what was done and why, oldest first; it stays when another canary begins."""
HISTORY_LINES = 50
RUNTIME = "aisle"
"""The ServingRuntime of manifests/base/runtime.yaml."""
MODEL_FORMAT = {"name": "aisle", "version": "1"}
SCHEMES = ("s3", "gs", "pvc", "hdfs", "https")
"""Of a model's address; the same as in manifests/base/fetch.yaml."""

Mode = Literal["Standard", "Knative"]
_MODES: dict[str, Mode] = {"Standard": "Standard", "RawDeployment": "Standard"}
_MODES |= {"Knative": "Knative", "Serverless": "Knative"}


@dataclass(frozen=True, kw_only=True)
class Version:
    """One pushed model."""

    name: str
    """Version of the model's manifest, such as 2017-12-04-0123456789ab."""
    uri: str
    """Where its directory is, as KServe reads it: s3://, pvc:// or gs://."""
    runtime: str = RUNTIME
    """Name of the ServingRuntime that serves it."""

    @property
    def predictor(self) -> str:
        """Name of its predictor: the digest part of the version after a letter, as Kubernetes wants names."""
        return "v" + re.sub("[^a-z0-9]", "", self.name.rsplit("-", 1)[-1].lower())[:20]


@dataclass(frozen=True, kw_only=True)
class Traffic(Roles[Version]):
    """Which versions serve. `percent` is the canary's declared share, 0 (no requests, but running) to 100."""

    percent: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.percent <= 100:
            raise InputError(f"canary percent: expected 0 to 100, got {self.percent}")

    def names(self) -> Roles[str]:
        """The same roles without addresses."""
        return Roles(**{role: version.name for role, version in self.by_name().items()})


def on_runtime(traffic: Traffic, version: Version, runtime: str) -> Version:
    """The version with the ServingRuntime of this name.

    Args:
        runtime: empty: the one that the version runs on already, else the stable version's, else RUNTIME.

    Raises:
        InputError: the version runs on another one, and KServe would restart its pods in place.
    """
    running = next((v for v in (traffic.stable, traffic.canary) if v is not None and v.name == version.name), None)
    if running is not None and runtime not in ("", running.runtime):
        raise InputError(
            f"{version.name}: expected runtime {running.runtime}, on which it serves, got {runtime}; "
            f"a runtime is rolled out with a version that does not serve yet"
        )
    inherited = running or traffic.stable
    return replace(version, runtime=runtime or (inherited.runtime if inherited is not None else RUNTIME))


def with_canary(traffic: Traffic, canary: Version, percent: int) -> Traffic:
    """Declares a canary, or moves its share. Raises InputError when it is the stable version, or percent is off."""
    if traffic.stable is not None and traffic.stable.name == canary.name:
        raise InputError(f"{canary.name}: expected a version other than the stable one, which serves all shoppers")
    return replace(traffic.start(canary), percent=percent)


def promoted(traffic: Traffic) -> Traffic:
    """The canary serves all shoppers. Raises InputError when there is none."""
    return replace(traffic.promote(), percent=0)


def rolled_back(traffic: Traffic) -> Traffic:
    """The canary is gone, stable serves all shoppers; without a canary nothing changes."""
    return replace(traffic.roll_back(), percent=0)


def mode(service: KubeObject) -> Mode:
    """The deployment mode the object declares. Raises InputError when it declares none that we know."""
    declared_mode = service["metadata"].get("annotations", {}).get(MODE_ANNOTATION)
    if declared_mode not in _MODES:
        raise InputError(
            f"annotation {MODE_ANNOTATION}: expected Standard or Knative, got {declared_mode}; "
            f"apply manifests/overlays for the mode you want"
        )
    return _MODES[declared_mode]


def read(record: KubeObject) -> Traffic:
    """The traffic that a record declares. An empty one, from before the first push, has no stable version."""
    data = record.get("data") or {}

    def version(role: str) -> Version | None:
        name, uri = data.get(f"{role}-version"), data.get(f"{role}-uri")
        runtime = data.get(f"{role}-runtime") or RUNTIME
        return Version(name=name, uri=uri, runtime=runtime) if name and uri else None

    roles = {role: version(role) for role in ("stable", "canary", "previous")}
    return Traffic(**roles, percent=int(data.get("canary-percent", 0)))


def record(traffic: Traffic, namespace: str) -> KubeObject:
    """The ConfigMap that declares this traffic, complete."""
    data: dict[str, str] = {}
    for role, version in traffic.by_name().items():
        data |= {f"{role}-version": version.name, f"{role}-uri": version.uri, f"{role}-runtime": version.runtime}
    if traffic.canary is not None:
        data["canary-percent"] = str(traffic.percent)
    metadata = {"name": RECORD, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def rewritten(config_map: KubeObject, traffic: Traffic, namespace: str) -> KubeObject:
    """The record with this traffic in it and the rest of its keys as they are."""
    part = record(traffic, namespace)
    ours = re.compile(r"(stable|canary|previous)-(version|uri|runtime)|canary-percent")
    others = {key: value for key, value in (config_map.get("data") or {}).items() if not ours.fullmatch(key)}
    part["data"] = others | part["data"]
    return part


def declared(traffic: Traffic, mode: Mode, namespace: str) -> KubeObject:
    """What push and rollout own of the object, complete: what an earlier apply had and this one lacks is removed.

    Raises InputError when there is no version at all.
    """
    serving = traffic.stable or traffic.canary
    if serving is None:
        raise InputError("expected a version to serve, got none; push a blessed model first")
    spec = _standard(traffic, serving) if mode == "Standard" else _knative(traffic, serving)
    metadata = {"name": NAME, "namespace": namespace}
    return {"apiVersion": API_VERSION, "kind": "InferenceService", "metadata": metadata, "spec": spec}


def merged(service: KubeObject, part: KubeObject) -> KubeObject:
    """A copy of `service` with the fields of `part` in place: what the API server makes of a first apply."""
    result = dict(service)
    for key, value in part.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def s3_uri(uri: str) -> str:
    """KFP's artifact address as KServe reads it: minio:// becomes s3://. Raises InputError on other schemes."""
    scheme, separator, rest = uri.partition("://")
    if scheme == "minio" and rest:
        return f"s3://{rest}"
    if separator and rest and scheme in SCHEMES:
        return uri
    raise InputError(f"model address: expected s3://, minio://, gs://, pvc://, hdfs:// or https://, got {uri!r}")


def _standard(traffic: Traffic, serving: Version) -> KubeObject:
    """A promotion renames the predictor to the canary's name, so that its pods stay and nothing restarts."""
    spec: KubeObject = {"predictor": {"name": serving.predictor, "model": _model(serving)}}
    if traffic.stable is not None and traffic.canary is not None:
        model = {"name": "", "modelFormat": MODEL_FORMAT} | _model(traffic.canary)
        predictor = {"name": traffic.canary.predictor, "model": model}
        spec["canary"] = [{"trafficPercent": traffic.percent, "predictor": predictor}]
    return spec


def _knative(traffic: Traffic, serving: Version) -> KubeObject:
    """Rolled back, the spec names the stable version again: Git and the cluster agree on what serves."""
    if traffic.stable is None or traffic.canary is None:
        return {"predictor": {"model": _model(serving)}}
    return {"predictor": {"canaryTrafficPercent": traffic.percent, "model": _model(traffic.canary)}}


def _model(version: Version) -> KubeObject:
    return {"runtime": version.runtime, "storageUri": version.uri}
