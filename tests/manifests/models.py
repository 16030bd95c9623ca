"""Strict comparison of a manifest with the classes of an OpenAPI-generated client, such as kserve.models."""

import re
from types import ModuleType
from typing import Any

from kubernetes import client

SCALARS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "object": (object,),
    "datetime": (str,),
    "IntOrString": (int, str),
    "ResourceQuantity": (int, str),
}


def misfits(value: dict[str, Any], model: type, models: ModuleType) -> list[str]:
    """Paths of `value` that `model` does not know, or that have another type; empty when it fits.

    models: where the classes named in the model's openapi_types are; Kubernetes' own are found too.
    """
    return _object(value, model, models, "")


def _object(value: Any, model: Any, models: ModuleType, where: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where}: expected an object, got {value!r}"]
    names = {outside: inside for inside, outside in model.attribute_map.items()}
    lines = []
    for key, inner in value.items():
        path = f"{where}.{key}".lstrip(".")
        if key not in names:
            lines.append(f"{path}: unknown; {model.__name__} has {', '.join(sorted(names))[:200]}")
        else:
            lines += _value(inner, model.openapi_types[names[key]], models, path)
    return lines


def _value(value: Any, kind: str, models: ModuleType, where: str) -> list[str]:
    if inner := re.fullmatch(r"list\[(.*)\]", kind):
        if not isinstance(value, list):
            return [f"{where}: expected a list, got {value!r}"]
        return [line for i, element in enumerate(value) for line in _value(element, inner[1], models, f"{where}[{i}]")]
    if inner := re.fullmatch(r"dict\((?:str|\w+), (.*)\)", kind):
        if not isinstance(value, dict):
            return [f"{where}: expected a map, got {value!r}"]
        return [line for key, entry in value.items() for line in _value(entry, inner[1], models, f"{where}.{key}")]
    if kind in SCALARS:
        right = isinstance(value, SCALARS[kind]) and not (isinstance(value, bool) and kind in ("int", "float", "str"))
        return [] if right else [f"{where}: expected {kind}, got {value!r}"]
    model = getattr(models, kind, None) or getattr(client, kind, None)
    assert model is not None, f"{where}: no class {kind}"
    return _object(value, model, models, where)
