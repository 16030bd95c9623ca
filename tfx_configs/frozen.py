"""Frozen settings: checked when built, turned into JSON and back without loss, no unknown names."""

import dataclasses
import json
import types
import typing
from typing import Any, Self


class SettingsError(ValueError):
    """A setting has an unknown name, a wrong type, or a value out of its range."""


def check(condition: bool, name: str, expected: str, value: Any) -> None:
    """Raises SettingsError unless the condition holds."""
    if not condition:
        raise SettingsError(f"setting {name}: expected {expected}, got {value!r}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """Base of all settings classes."""

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            raise SettingsError(f"settings: expected JSON, got {text[:60]!r} ({error})") from None
        return cls.from_dict(value)

    @classmethod
    def from_dict(cls, value: Any) -> Self:
        check(isinstance(value, dict), cls.__name__, "an object", value)
        hints = typing.get_type_hints(cls)
        unknown = sorted(set(value) - set(hints))
        if unknown:
            raise SettingsError(f"setting {unknown[0]}: unknown in {cls.__name__}; it has {', '.join(hints)}")
        return cls(**{name: _convert(f"{cls.__name__}.{name}", hints[name], v) for name, v in value.items()})


def _convert(name: str, hint: Any, value: Any) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        inner = next(a for a in arguments if a is not type(None))
        return None if value is None and type(None) in arguments else _convert(name, inner, value)
    if origin is typing.Literal:
        check(value in arguments, name, f"one of {', '.join(arguments)}", value)
        return value
    if origin is tuple:
        check(isinstance(value, list | tuple), name, "a list", value)
        return tuple(_convert(name, arguments[0], v) for v in value)
    if isinstance(hint, type) and issubclass(hint, Settings):
        return hint.from_dict(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    check(isinstance(value, hint) and not (hint is int and isinstance(value, bool)), name, hint.__name__, value)
    return value
