"""What the service declares, in the versions of its record: a command of kubectl is as good as one of Aisle.

The service is the truth about what serves; the record has what a spec cannot hold: names of versions, the version
before, the state of the rollout. Where the two differ, an operator has edited the service, or a change of Aisle was
interrupted between both. What the record's versions explain is adopted by the next change of Aisle; anything else is
named as drift, with the command that ends it.
"""

from dataclasses import dataclass, replace
from typing import Literal

from components.inference_service.traffic import (
    FIELD_MANAGER,
    KubeObject,
    Traffic,
    Version,
    mode,
    promoted,
    read,
    rolled_back,
)

Change = Literal["", "share", "canary", "rollback", "promotion", "revert"]


@dataclass(frozen=True, kw_only=True)
class Observed:
    """The service beside its record."""

    traffic: Traffic
    """What the service declares; where it has drifted, what the record declares."""
    recorded: Traffic
    change: Change = ""
    """What was done to the service that the record does not have yet; empty: nothing."""
    drift: str = ""
    """What no version of the record explains; empty: nothing."""
    editor: str = ""
    """The field manager that set what has changed; empty when the change was a removal."""

    def line(self) -> str:
        """The change, or the drift, for people; empty when the service is as the record has it."""
        canary = self.traffic.canary or self.recorded.canary
        name = canary.name if canary is not None else ""
        described = {
            "": "",
            "share": f"the share of {name} set to {self.traffic.percent} % (it was {self.recorded.percent} %)",
            "canary": f"{name} declared as canary at {self.traffic.percent} %",
            "rollback": f"canary {name} taken out of the service",
            "promotion": f"canary {name} promoted",
            "revert": f"{self.traffic.stable.name if self.traffic.stable else ''} brought back",
        }
        text = self.drift or described[self.change]
        editor = "an interrupted change of Aisle" if self.editor == FIELD_MANAGER else self.editor
        return f"{text} by {editor}" if text and editor else text


def observe(service: KubeObject, config_map: KubeObject) -> Observed:
    """Compares them.

    Args:
        service: the InferenceService, with its managed fields.
        config_map: its record.
    """
    recorded, service_mode = read(config_map), mode(service)
    split = "f:canary" if service_mode == "Standard" else "f:canaryTrafficPercent"
    if recorded.stable is None:
        return Observed(traffic=recorded, recorded=recorded)
    after, drift = (_standard if service_mode == "Standard" else _knative)(service["spec"], recorded)
    if after is None:
        return Observed(traffic=recorded, recorded=recorded, drift=drift)
    change = _change(recorded, after)
    editor = editor_of(service, "f:storageUri" if change in ("promotion", "revert") else split)
    return Observed(traffic=after, recorded=recorded, change=change, editor=editor)


def _change(recorded: Traffic, after: Traffic) -> Change:
    if after == recorded:
        return ""
    if after.stable != recorded.stable:
        return "promotion" if after.stable == recorded.canary else "revert"
    if after.canary is None:
        return "rollback"
    return "share" if after.canary == recorded.canary else "canary"


def _standard(spec: KubeObject, recorded: Traffic) -> tuple[Traffic | None, str]:
    """(what the spec declares, drift): one of them is empty."""
    canaries, drift = spec.get("canary") or [], ""
    stable = _match("stable", spec["predictor"], recorded)
    canary = _match("canary", canaries[0]["predictor"], recorded) if canaries else None
    if isinstance(stable, str):
        drift = stable
    elif len(canaries) > 1:
        drift = f"{len(canaries)} canaries are declared, Aisle knows one"
    elif isinstance(canary, str):
        drift = canary
    if drift or isinstance(stable, str) or isinstance(canary, str):
        return None, drift
    return _roles(recorded, stable, canary, canaries[0].get("trafficPercent", 0) if canaries else 0), ""


def _knative(spec: KubeObject, recorded: Traffic) -> tuple[Traffic | None, str]:
    """As _standard. The spec names the newest version alone; KServe keeps the one before."""
    newest = _match("newest", spec["predictor"], recorded, named=False)
    percent = spec["predictor"].get("canaryTrafficPercent")
    if isinstance(newest, str):
        return None, newest
    if percent is None:
        return _roles(recorded, newest, None, 0), ""
    if newest == recorded.stable:
        return recorded, ""  # a rollback of Aisle's, on its way: stable's model in the canary's place
    assert recorded.stable is not None
    return _roles(recorded, recorded.stable, newest, percent), ""


def _roles(recorded: Traffic, stable: Version, canary: Version | None, percent: int) -> Traffic:
    if stable == recorded.stable:
        alone = rolled_back(recorded)
        return replace(alone, canary=canary, percent=percent if canary else 0)
    if stable == recorded.canary and canary is None:
        return promoted(recorded)
    return replace(recorded, stable=stable, canary=canary, previous=recorded.stable, percent=percent if canary else 0)


def _match(role: str, predictor: KubeObject, recorded: Traffic, named: bool = True) -> Version | str:
    """The record's version with this address, name and runtime; a text when it has none."""
    model = predictor.get("model") or {}
    uri, runtime = model.get("storageUri"), model.get("runtime")
    if not uri:
        return f"{role}: no model is declared"
    same = [version for version in recorded.by_name().values() if version.uri == uri]
    if not same:
        return f"{role}: the model {uri} is declared, which the record does not have"
    version = same[0]
    if named and predictor.get("name") != version.predictor:
        return f"{role}: {version.name} is declared as predictor {predictor.get('name')}, expected {version.predictor}"
    if runtime != version.runtime:
        return f"{role}: {version.name} is declared on runtime {runtime}, expected {version.runtime}"
    return version


def owners_of(service: KubeObject, field: str) -> list[str]:
    """The managers of this field of the spec, the last one that set it last; several own an equal value."""
    entries = [entry for entry in service["metadata"].get("managedFields", []) if not entry.get("subresource")]
    owning = [entry for entry in entries if f"'{field}'" in str(entry.get("fieldsV1", {}).get("f:spec", {}))]
    return [str(entry["manager"]) for entry in sorted(owning, key=lambda entry: str(entry.get("time", "")))]


def editor_of(service: KubeObject, field: str) -> str:
    """The manager that set this field last; empty when none has it, as after its removal."""
    return next(reversed(owners_of(service, field)), "")


def without_foreign_canary(service: KubeObject, part: KubeObject) -> KubeObject:
    """The part with an empty list, where it leaves out a canary that another manager has set.

    What an apply leaves out goes only when no other manager owns it, and an equal value is owned by both.
    """
    left_out = service["spec"].get("canary") and "canary" not in part["spec"]
    if not left_out or owners_of(service, "f:canary") == [FIELD_MANAGER]:
        return part
    return {**part, "spec": {**part["spec"], "canary": []}}
