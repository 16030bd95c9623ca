"""The command `aisle`. Exit 0: done; 1: a check or the gate refused; 2: bad input, one line on stderr names it."""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from typer import Option
from typer._click.core import Command
from typer._click.exceptions import UsageError

from model.errors import INTERRUPTED, AisleError, InputError
from model.kernels.processor import check_processor
from pipelines.commands import experiment, rollout
from pipelines.commands.compare import compare
from pipelines.commands.forget import forget
from pipelines.commands.inspect import inspect
from pipelines.commands.monitor import monitor
from pipelines.commands.recommend import recommend
from pipelines.commands.replay import replay
from pipelines.commands.runs import demo, explore, report, serve, train
from pipelines.commands.settings import settings
from pipelines.commands.submit import submit
from pipelines.commands.tune import tune
from tfx_configs.frozen import SettingsError
from tfx_configs.version import VERSION

OWN = ("tfx_configs", "model", "components", "pipelines")
"""Our packages: one of them that is missing is a fault, and no extra that was left out."""

app = typer.Typer(
    help="A product recommender that can be operated.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"max_content_width": 120},
)
COMMANDS = (
    *(demo, train, tune, inspect, report, compare, serve, recommend, explore),
    *(monitor, replay, forget, submit, settings),
)
for command in COMMANDS:
    app.command()(command)
app.add_typer(rollout.app, name="rollout")
app.add_typer(experiment.app, name="experiment")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(VERSION)
        raise typer.Exit


@app.callback()
def _aisle(
    version: Annotated[
        bool, Option("--version", is_eager=True, callback=_print_version, help="print the version and exit")
    ] = False,
) -> None: ...


@app.command("compile")
def compile_(
    out: Annotated[Path, Option(metavar="DIR", help="directory to write to")] = Path("pipelines/compiled"),
    check: Annotated[bool, Option("--check", help="write nothing; exit 1 if a file would change")] = False,
) -> int:
    """Compile the pipelines to KFP YAML and to Kubernetes objects."""
    from pipelines.arguments import writable_directory

    writable_directory("--out", out)
    from pipelines.definitions.compile import compile_all

    changed = compile_all(out, check=check)
    for path in changed:
        print(f"{'would change' if check else 'wrote'} {path}")
    return 1 if check and changed else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit code."""
    aisle = typer.main.get_command(app)
    if "_AISLE_COMPLETE" in os.environ:
        aisle.main(prog_name="aisle")  # answers the shell, and exits
    return run(aisle, "aisle", list(sys.argv[1:] if argv is None else argv))


def run(program: Command, name: str, words: list[str]) -> int:
    """Runs a program of ours, known to its user by this name, on these words; returns the exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        check_processor()
        with program.make_context(name, words) as context:
            return int(program.invoke(context) or 0)
    except typer.Exit as ended:
        return ended.exit_code
    except UsageError as error:
        command = error.ctx.command_path if error.ctx else name
        message = " ".join(error.format_message().split()).replace("Value error, ", "").rstrip(".")
        return _refuse(f"{message}; see `{command} --help`", InputError.exit_code)
    except SettingsError as error:
        return _refuse(str(error), InputError.exit_code)
    except AisleError as error:
        return _refuse(str(error), error.exit_code)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in OWN:
            raise
        return _refuse(
            f"{error.name}: expected this package, not installed; install `aisle[main]`", InputError.exit_code
        )
    except KeyboardInterrupt:
        return _refuse("interrupted; nothing is left running, finished stages are cached for the next run", INTERRUPTED)


def _refuse(message: str, code: int) -> int:
    print(f"aisle: {message}", file=sys.stderr)
    return code


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
