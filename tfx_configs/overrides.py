"""Settings as nested dictionaries, changed by layers and by `section.field=value`, before they are checked."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tfx_configs.frozen import SettingsError

Tree = dict[str, Any]
"""{section: {field: value}} of some settings; fields that are absent have their defaults."""


def layered(*layers: Mapping[str, Any]) -> Tree:
    """All layers in one; of two values for one field the later layer's holds."""
    tree: Tree = {}
    for layer in layers:
        for name, value in layer.items():
            both = isinstance(value, Mapping) and isinstance(tree.get(name), Mapping)
            tree[name] = layered(tree[name], value) if both else value
    return tree


def assigned(changes: Sequence[str]) -> Tree:
    """A layer made of `section.field=value`; a value is JSON, or else text.

    Raises:
        SettingsError: a change has another form.
    """
    tree: Tree = {}
    for change in changes:
        path, equals, text = change.partition("=")
        if not equals or not all(path.split(".")):
            raise SettingsError(f"expected --set section.field=value, got {change!r}")
        layer = json_or_text(text)
        for name in reversed(path.split(".")):
            layer = {name: layer}
        tree = layered(tree, layer)
    return tree


def json_or_text(text: str) -> Any:
    """The value that the text is in JSON, or the text itself where it is none."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
