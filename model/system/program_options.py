"""Command lines of programs: an option for each field of a settings class."""

import argparse
from collections.abc import Sequence
from typing import Any, TypeVar, get_args

from model.errors import InputError
from tfx_configs.frozen import Settings, SettingsError

T = TypeVar("T", bound=Settings)


def parse_options(kind: type[T], program: str, description: str | None, argv: Sequence[str] | None) -> T:
    """The settings that a command line names; a usage error ends the program with code 2.

    `--max-history` sets the field `max_history`, `--log-roll-s` the field `roll_s` of the settings in the field `log`.
    A field's title takes the place of its name; its docstring is the help.

    Raises:
        InputError: a value is out of its field's range.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m {program}", description=description, argument_default=argparse.SUPPRESS
    )
    _add_options(parser, kind, "")
    values = vars(parser.parse_args(argv))
    try:
        return _settings(kind, values, "")
    except SettingsError as error:
        raise InputError(str(error)) from None


def _add_options(parser: argparse.ArgumentParser, kind: type[Settings], prefix: str) -> None:
    for name, field in kind.model_fields.items():
        hint = _type(field.annotation)
        if issubclass(hint, Settings):
            _add_options(parser, hint, f"{name}_")
            continue
        flag, dest = f"--{prefix}{field.title or name}".replace("_", "-"), prefix + name
        text = str(field.description).replace("%", "%%")
        if hint is bool:
            parser.add_argument(flag, dest=dest, action="store_true", help=text)
        else:
            default = field.get_default(call_default_factory=True)
            text += "" if default is None or field.is_required() else f" Default: {default}"
            parser.add_argument(flag, dest=dest, type=hint, required=field.is_required(), help=text)


def _settings(kind: type[T], values: dict[str, Any], prefix: str) -> T:
    fields: dict[str, Any] = {}
    for name, field in kind.model_fields.items():
        hint = _type(field.annotation)
        if issubclass(hint, Settings):
            fields[name] = _settings(hint, values, f"{name}_")
        elif prefix + name in values:
            fields[name] = values[prefix + name]
    return kind(**fields)


def _type(hint: Any) -> Any:
    """The type itself, of `Annotated[type, ...]` and of `type | None` too."""
    return _type(get_args(hint)[0]) if get_args(hint) else hint
