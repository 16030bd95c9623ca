"""Command lines of programs: an option for each field of a settings class."""

import argparse
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeVar, get_args

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
    _add_options(parser, kind)
    values = vars(parser.parse_args(argv))
    try:
        return _settings(kind, values, "")
    except SettingsError as error:
        raise InputError(str(error)) from None


class Option(NamedTuple):
    """One option of a program.

    Example:
        >>> from tfx_configs.frozen import Count, Settings
        >>> class Limits(Settings):
        ...     max_items: Count = 10
        >>> next(options_of(Limits)).flag
        '--max-items'
    """

    flag: str
    field: str
    """Of the settings, with the prefixes of those that it is nested in."""
    kind: type
    default: Any
    """None: there is none."""
    required: bool
    meaning: str


def options_of(kind: type[Settings], prefix: str = "") -> Iterator[Option]:
    """The options of a settings class, in the order of its fields."""
    for name, field in kind.model_fields.items():
        hint = _type(field.annotation)
        if issubclass(hint, Settings):
            yield from options_of(hint, f"{name}_")
            continue
        required = field.is_required()
        default = None if required else field.get_default(call_default_factory=True)
        flag = f"--{prefix}{field.title or name}".replace("_", "-")
        yield Option(flag, prefix + name, hint, default, required, str(field.description))


def _add_options(parser: argparse.ArgumentParser, kind: type[Settings]) -> None:
    for option in options_of(kind):
        text = option.meaning.replace("%", "%%")
        if option.kind is bool:
            parser.add_argument(option.flag, dest=option.field, action="store_true", help=text)
            continue
        text += "" if option.default is None else f" Default: {option.default}"
        parser.add_argument(option.flag, dest=option.field, type=option.kind, required=option.required, help=text)


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
