"""The command `aisle`. Exit 0: done; 1: a check or the gate said no; 2: bad input, one line on stderr says what."""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from model.errors import AisleError, InputError
from tfx_configs.frozen import SettingsError

INTERRUPTED = 130


class Parser(argparse.ArgumentParser):
    """Says what is wrong with the arguments in one line."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see `{self.prog} --help`")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
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
        return _say("interrupted; run the same command again, finished stages are kept", INTERRUPTED)


def _say(message: str, code: int) -> int:
    print(f"aisle: {message}", file=sys.stderr)
    return code


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _parser() -> Parser:
    parser = Parser(prog="aisle", description="A product recommender that can be operated.", allow_abbrev=False)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    demo = commands.add_parser("demo", help="raw events to a rolled-out recommender and a report, on this machine")
    _run_options(demo, "build/demo")
    demo.set_defaults(command=_demo)

    train = commands.add_parser("train", help="the pipeline alone: a blessed model into the registry, as canary")
    _run_options(train, "build/train")
    train.add_argument("--override", default="", metavar="REASON", help="push although the gate says no; recorded")
    train.set_defaults(command=_train)

    compile_ = commands.add_parser("compile", help="the pipeline as KFP YAML")
    compile_.add_argument("--out", type=Path, default=Path("pipelines/compiled"), help="directory (%(default)s)")
    compile_.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file would change")
    compile_.set_defaults(command=_compile)

    serve = commands.add_parser("serve", help="the stable model behind KServe's v2 protocol, on loopback")
    serve.add_argument("--run", type=Path, default=Path("build/demo"), help="directory of a demo (%(default)s)")
    serve.add_argument("--http-port", type=int, default=8080, help="REST port (%(default)s)")
    serve.add_argument("--grpc-port", type=int, default=8081, help="gRPC port (%(default)s)")
    serve.set_defaults(command=_serve)

    rollout = commands.add_parser("rollout", help="the state of a rollout")
    actions = rollout.add_subparsers(metavar="ACTION", required=True)
    status = actions.add_parser("status", help="steps taken, declared and observed split, decisions")
    status.add_argument("--run", type=Path, default=Path("build/demo"), help="directory of a demo (%(default)s)")
    status.set_defaults(command=_rollout_status)
    return parser


def _run_options(parser: argparse.ArgumentParser, out: str) -> None:
    parser.add_argument("--data", default="", metavar="DIR", help="your own canonical tables (docs: use your own data)")
    parser.add_argument(
        "--cut-date", metavar="DATE", help="first test day, YYYY-MM-DD; default: 28 days before the end"
    )
    parser.add_argument("--fast", action="store_true", help="a small sample and short training: for tests, not quality")
    parser.add_argument("--out", type=Path, default=Path(out), help="where everything is left (%(default)s)")


def _demo(options: argparse.Namespace) -> int:
    from pipelines.closing import closing_lines
    from pipelines.demo import run_demo
    from pipelines.display import Display

    display = Display()
    summary = run_demo(_settings(options), options.out.resolve(), display)
    for line in closing_lines(summary, options.out):
        display.console.print(line, highlight=False, soft_wrap=True)
    return 0


def _train(options: argparse.Namespace) -> int:
    from model.files import read_json
    from model.registry import Registry
    from pipelines.demo import Paths, run_pipeline
    from pipelines.display import Display

    paths, display = Paths(out=options.out.resolve()), Display()
    paths.out.mkdir(parents=True, exist_ok=True)
    with display:
        outputs = run_pipeline(_settings(options), paths, Registry(paths.registry), display, options.override)
    pushed = read_json(Path(outputs["outcome"]))
    print(f"{pushed['version']}: {pushed['reason']}; stable is {pushed['stable']}; registry {paths.registry}")
    return 0 if read_json(Path(outputs["verdict"]))["blessed"] else 1


def _settings(options: argparse.Namespace):  # type: ignore[no-untyped-def]
    from tfx_configs import recipes

    recipe = recipes.fast if options.fast else recipes.full
    return recipe(path=str(Path(options.data).resolve()) if options.data else "", cut_date=options.cut_date)


def _compile(options: argparse.Namespace) -> int:
    from pipelines.compile import compile_all

    changed = compile_all(options.out, check=options.check)
    for path in changed:
        print(f"{'would change' if options.check else 'wrote'} {path}")
    return 1 if options.check and changed else 0


def _serve(options: argparse.Namespace) -> int:
    from pipelines.serve import serve_stable

    return serve_stable(options.run, options.http_port, options.grpc_port)


def _rollout_status(options: argparse.Namespace) -> int:
    from components.rollout.status import read_status
    from pipelines.closing import status_lines

    for line in status_lines(read_status(options.run / "rollout")):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
