"""Whether a command line is one that `aisle` takes, without running it."""

from collections.abc import Sequence

import typer

from pipelines.cli import app


def subcommands() -> dict[str, typer.core.TyperCommand]:
    """{name: command} of `aisle`."""
    return dict(typer.main.get_command(app).commands)


def parse(words: Sequence[str]) -> None:
    """Parses the words after `aisle`, those of a subcommand too. Raises typer's UsageError on what it refuses."""
    command, name, rest = typer.main.get_command(app), "aisle", list(words)
    try:
        while True:
            context = command.make_context(name, list(rest))
            if not isinstance(command, typer.core.TyperGroup):
                return
            name, command, rest = command.resolve_command(context, context._protected_args + context.args)
    except typer.Exit:  # --help
        return
