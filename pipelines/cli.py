"""The command `aisle`. Exit 0: done; 1: a check or the gate said no; 2: bad input, one line on stderr says what."""

import argparse
import getpass
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from model.errors import AisleError, InputError
from pipelines.commands.experiment import experiment_commands
from pipelines.commands.monitor import MONITOR_DOES, monitor_options
from pipelines.commands.replay import REPLAY_DOES, replay_options
from pipelines.commands.rollout import rollout_commands
from pipelines.commands.submit import SUBMIT_DOES, submit_options
from tfx_configs.frozen import SettingsError

if TYPE_CHECKING:
    from tfx_configs.settings import RunSettings

INTERRUPTED = 130


class Parser(argparse.ArgumentParser):
    """Says what is wrong with the arguments in one line; takes no abbreviated options."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options | {"allow_abbrev": False})

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see `{self.prog} --help`")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        options = _parser().parse_args(argv)
        command: Callable[[argparse.Namespace], int] = options.command
        return command(options)
    except SettingsError as error:
        return _say(str(error), InputError.exit_code)
    except AisleError as error:
        return _say(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _say("interrupted; nothing is left running, finished stages are kept for the next run", INTERRUPTED)


def _say(message: str, code: int) -> int:
    print(f"aisle: {message}", file=sys.stderr)
    return code


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _parser() -> Parser:
    parser = Parser(prog="aisle", description="A product recommender that can be operated.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, run: Callable[[argparse.Namespace], int], does: str) -> Parser:
        added: Parser = commands.add_parser(name, help=does, description=does)
        added.set_defaults(command=run)
        return added

    _run_options(
        command("demo", _demo, "run everything on this machine: raw events to a rolled-out recommender and a report"),
        "build/demo",
    )

    train = command("train", _train, "run the pipeline alone: a blessed model becomes the registry's canary")
    _run_options(train, "build/train")
    train.add_argument(
        "--start",
        default="scratch",
        metavar="HOW",
        help="scratch, or start from the stable model: refresh (its weights, new catalog) or warm (and one epoch)",
    )
    train.add_argument(
        "--override", metavar="REASON", help="push even if the gate says no, for this reason, which is kept"
    )
    train.add_argument(
        "--override-by", default="", metavar="NAME", help="who decided to override (default: your login name)"
    )

    report = command("report", _report, "write the report of a finished run again")
    _which_run(report)

    serve = command("serve", _serve, "serve a run's stable model over KServe's v2 protocol, on 127.0.0.1")
    _which_run(serve)
    serve.add_argument("--http-port", type=int, default=8080, help="REST port (%(default)s)")
    serve.add_argument("--grpc-port", type=int, default=8081, help="gRPC port (%(default)s)")
    serve.add_argument(
        "--rules", type=Path, metavar="FILE", help="business rules instead of the model's own (docs/reranking.md)"
    )
    serve.add_argument("--request-log", type=Path, metavar="DIR", help="log a row for each answer to this directory")

    explore = command("explore", _explore, "show recommendations and the reasons for them in a browser, on 127.0.0.1")
    _which_run(explore)
    explore.add_argument("--port", type=int, default=8090, help="port of the page (%(default)s)")
    explore.add_argument("--examples", type=Path, metavar="DIR", help="an examples artifact instead of a run")
    explore.add_argument(
        "--model",
        type=Path,
        metavar="DIR",
        action="append",
        default=[],
        help="with --examples: the stable model; give it again for the canary",
    )

    compile_ = command("compile", _compile, "compile the pipelines to KFP YAML and to Kubernetes objects")
    compile_.add_argument(
        "--out", type=Path, default=Path("pipelines/compiled"), help="directory to write to (%(default)s)"
    )
    compile_.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file would change")

    submit_options(commands.add_parser("submit", help=SUBMIT_DOES, description=SUBMIT_DOES))
    monitor_options(commands.add_parser("monitor", help=MONITOR_DOES, description=MONITOR_DOES))
    replay_options(commands.add_parser("replay", help=REPLAY_DOES, description=REPLAY_DOES))

    rollout_commands(commands)
    experiment_commands(commands)
    return parser


def _which_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", type=Path, default=Path("build/demo"), help="directory of a run (%(default)s)")


def _run_options(parser: argparse.ArgumentParser, out: str) -> None:
    parser.add_argument(
        "--data", default="", metavar="DIR", help="your own tables instead of the demo's (docs/your-data.md)"
    )
    parser.add_argument(
        "--cut-date", metavar="DATE", help="first test day, YYYY-MM-DD (default: 28 days before the last event)"
    )
    parser.add_argument(
        "--fast",
        action="store_true",
        help="short training, and a small sample of the demo's data: for trying out, not for quality",
    )
    parser.add_argument(
        "--out", type=Path, default=Path(out), help="directory for everything the run writes (%(default)s)"
    )


def _demo(options: argparse.Namespace) -> int:
    from pipelines.commands.output import closing_lines
    from pipelines.demo import run_demo
    from pipelines.local.display import Display

    display = Display()
    summary = run_demo(_settings(options), options.out.resolve(), display)
    for line in closing_lines(summary, options.out):
        display.console.print(line, highlight=False, soft_wrap=True)
    return 0


def _train(options: argparse.Namespace) -> int:
    from components.artifacts.push_outcome import PushOutcome
    from model.registry.model_registry import Registry
    from pipelines.local.display import PIPELINE_STAGES, Display
    from pipelines.local.pipeline_process import run_pipeline
    from pipelines.local.run_directory import Paths, alone
    from pipelines.submission import overridden

    settings = overridden(_settings(options), [f"train.start={options.start}"])
    paths, override = Paths(out=options.out.resolve()), _override(options)
    with alone(paths.out), Display(PIPELINE_STAGES) as display:
        outputs = run_pipeline(settings, paths, Registry(paths.registry), display, *override)
    pushed = PushOutcome.read(outputs["outcome"])
    if pushed.override:
        print(pushed.override.line)
    print(f"{pushed.version}: {pushed.reason}; stable is {pushed.stable}; registry {paths.registry}")
    return 0 if pushed.blessed else 1


def _override(options: argparse.Namespace) -> tuple[str, str]:
    """(why, who), both empty without an override. Raises InputError on one that the gate would refuse."""
    from components.gate.override import refusal

    if options.override is None:
        if options.override_by:
            raise InputError("expected --override REASON with --override-by, got none; say why")
        return "", ""
    by = options.override_by or getpass.getuser()
    if refused := refusal(options.override, by):
        raise InputError(refused)
    return options.override, by


def _settings(options: argparse.Namespace) -> "RunSettings":
    from tfx_configs import recipes

    recipe = recipes.fast if options.fast else recipes.full
    return recipe(path=str(Path(options.data).resolve()) if options.data else "", cut_date=options.cut_date)


def _compile(options: argparse.Namespace) -> int:
    from pipelines.arguments import writable_directory

    writable_directory("--out", options.out)
    from pipelines.definitions.compile import compile_all

    changed = compile_all(options.out, check=options.check)
    for path in changed:
        print(f"{'would change' if options.check else 'wrote'} {path}")
    return 1 if options.check and changed else 0


def _serve(options: argparse.Namespace) -> int:
    from pipelines.local.serve import serve_stable

    return serve_stable(options.run, options.http_port, options.grpc_port, options.rules, options.request_log)


def _explore(options: argparse.Namespace) -> int:
    from pipelines.explore.server import explore

    if options.model and not options.examples:
        raise InputError("expected --examples DIR with --model, got none; say what data it was made from")
    return explore(options.run, options.port, options.examples, options.model)


def _report(options: argparse.Namespace) -> int:
    from pipelines.demo import rewrite_report

    print(f"wrote {rewrite_report(options.run)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
