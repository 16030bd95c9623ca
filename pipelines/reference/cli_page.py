"""docs/reference/cli.md: every command with its help, as the program prints it."""

from collections.abc import Iterator
from typing import NamedTuple

import typer
from typer._click.core import Command, Context
from typer.core import TyperGroup

from pipelines.cli import app
from pipelines.reference.schema_page import DOCS, table

PAGE = DOCS / "reference" / "cli.md"
WIDTH = 100
"""Columns of the help."""


class Helped(NamedTuple):
    """A command and what `--help` prints."""

    name: str
    text: str


def commands() -> list[Helped]:
    """The program, then its commands in their order, those of a group after the group."""
    return list(_helped(typer.main.get_command(app), "aisle", None))


def _helped(command: Command, name: str, parent: Context | None) -> Iterator[Helped]:
    context = Context(command, parent=parent, info_name=name, terminal_width=WIDTH, max_content_width=WIDTH)
    yield Helped(context.command_path, command.get_help(context).rstrip())
    if isinstance(command, TyperGroup):
        for part in command.list_commands(context):
            child = command.get_command(context, part)
            assert child is not None, part
            yield from _helped(child, part, context)


def page() -> str:
    return table("cli", commands=commands()) + "\n"
