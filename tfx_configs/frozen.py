"""The base of all settings: frozen, checked when built, written as JSON and read back without loss."""

import itertools
import json
import types
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import no_info_after_validator_function


class SettingsError(ValueError):
    """A setting has an unknown name, a wrong type, or a value out of its range."""


@dataclass(frozen=True)
class Must:
    """A rule of one setting beyond its type and bounds: `Annotated[str, Must("a date like 2017-12-04", is_date)]`."""

    expected: str
    holds: Callable[[Any], bool]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_after_validator_function(self._checked, handler(source))

    def _checked(self, value: Any) -> Any:
        if not self.holds(value):
            raise ValueError(self.expected)
        return value


class FrozenWords(dict[str, str]):
    """{text: text} that cannot be changed and has a hash, so that settings which hold it have one."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenWords, (dict(self),)

    def _refused(self, *_arguments: Any, **_named: Any) -> Any:
        raise TypeError("settings cannot be changed; use replace")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refused


Words = Annotated[dict[str, str], AfterValidator(FrozenWords)]
"""A mapping of text to text, as a setting."""
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Factor = Annotated[float, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Percent = Annotated[float, Field(ge=0, le=100)]


class Settings(BaseModel):
    """Base of all settings classes.

    A field's type carries its range; its docstring has its meaning and its unit.

    Raises:
        SettingsError: when an instance is built from an unknown name or a value that its field refuses; one line.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        validate_default=True,
        use_attribute_docstrings=True,
    )

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise _refusal(type(self), error) from None

    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]  # a nested error keeps its whole path

    def to_json(self) -> str:
        """All settings as one line of JSON, keys sorted."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Settings from JSON; absent ones get their defaults. Raises SettingsError."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise _refusal(cls, error) from None

    @classmethod
    def from_dict(cls, value: Any) -> Self:
        """Settings from nested dictionaries of plain values, as `json.loads` returns them. Raises SettingsError."""
        return cls.from_json(json.dumps(value, default=str))

    def replace(self, **changes: Any) -> Self:
        """The same settings with these changes, checked again. Raises SettingsError."""
        return type(self)(**dict(self) | changes)


def check(condition: bool, name: str, expected: str, value: Any) -> None:
    """For a validator of several fields: refuses the value of `name` unless the condition holds."""
    if not condition:
        raise PydanticCustomError("setting", "{expected}", {"name": name, "expected": expected, "value": value})


def expected(field: FieldInfo) -> str:
    """The type and range of a field in words: `float, above 0, at most 100`."""
    bounds = {name: getattr(rule, name) for rule in field.metadata for name in _BOUNDS if hasattr(rule, name)}
    if set(bounds) == {"ge", "le"}:
        ranges = [f"{bounds['ge']} to {bounds['le']}"]
    else:
        ranges = [f"{words} {bounds[name]}" for name, words in _BOUNDS.items() if name in bounds]
    rules = [rule.expected for rule in field.metadata if isinstance(rule, Must)]
    return ", ".join((_type_in_words(field.annotation), *ranges, *rules))


_BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


def _type_in_words(hint: Any) -> str:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return _type_in_words(arguments[0])
    if origin is typing.Literal:
        return f"one of {', '.join(arguments)}"
    if origin is dict:
        return f"an object of {' to '.join(map(_type_in_words, arguments))}"
    if origin is tuple:
        return f"a list of {_type_in_words(arguments[0])}"
    if origin in (types.UnionType, typing.Union):
        return " or ".join("null" if kind is type(None) else _type_in_words(kind) for kind in arguments)
    return "an object" if issubclass(hint, Settings) else hint.__name__


def _refusal(kind: type[Settings], error: ValidationError) -> SettingsError:
    """The first error in one line, with the path of its setting."""
    first = error.errors(include_url=False)[0]
    context, value = first.get("ctx", {}), first["input"]
    if first["type"] == "json_invalid":
        return SettingsError(f"settings: expected JSON, got {str(value)[:60]!r} ({context['error']})")
    path: list[str] = []
    field, inner = None, None
    for name in (*first["loc"], *([context["name"]] if first["type"] == "setting" else [])):
        if field is not None and typing.get_origin(field.annotation) is dict:
            path.append(str(name))  # the key of a mapping
            break
        if isinstance(name, str):
            kind = inner or kind
            if name not in kind.model_fields:
                has = ", ".join(kind.model_fields)
                return SettingsError(f"setting {'.'.join([*path, name])}: unknown in {kind.__name__}; it has {has}")
            field = kind.model_fields[name]
            inner = _settings_class(field.annotation)
        if isinstance(name, str) or inner:  # the place in a list of plain values is in the value itself
            path.append(str(name))
    if first["type"] == "setting":
        wanted, value = context["expected"], context["value"]
    else:
        wanted = expected(field) if field else "an object"
    got = "none" if first["type"] == "missing" else repr(value)
    return SettingsError(f"setting {'.'.join(path) or kind.__name__}: expected {wanted}, got {got}")


def _settings_class(hint: Any) -> type[Settings] | None:
    """The settings class that a field holds, itself or in a list."""
    return next(
        (kind for kind in (hint, *typing.get_args(hint)) if isinstance(kind, type) and issubclass(kind, Settings)), None
    )


def ascending(values: Sequence[float]) -> bool:
    """True when there are values and each is above the one before."""
    return bool(values) and all(a < b for a, b in itertools.pairwise(values))
