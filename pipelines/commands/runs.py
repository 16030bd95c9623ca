"""Runs of the pipeline on this machine: `aisle demo`, `train`, `report`, `serve` and `explore`."""

import getpass
from pathlib import Path
from typing import Annotated

from typer import Option

from model.errors import InputError
from pipelines.commands.options import (
    DEMO_RUN,
    Changes,
    Config,
    CutDate,
    Data,
    Fast,
    Out,
    Rules,
    RunDirectory,
    run_settings,
)
from tfx_configs.settings import Start


def demo(
    data: Data = "",
    cut_date: CutDate = None,
    fast: Fast = False,
    config: Config = None,
    changes: Changes = None,
    out: Out = Path("build/demo"),
) -> int:
    """Run everything on this machine, from raw events to a report.

    Ingest, training, evaluation, gate, a canary rollout under replayed traffic, and monitoring.
    Exit 1 if the gate does not bless the model: there is no rollout then, and the report explains why.
    """
    settings = run_settings(data=data, cut_date=cut_date, fast=fast, config=config, changes=changes)

    from pipelines.commands.output import text
    from pipelines.demo import run_demo
    from pipelines.local.display import Display

    display = Display()
    summary = run_demo(settings, out.resolve(), display)
    models = sorted(summary.quality.items(), key=lambda model: -(model[1]["ndcg@10"] or 0.0))
    parts = {"data": summary.data, "gate": summary.gate, "rollout": summary.rollout}
    closing = text("closing", summary=summary, models=models, out=out, **parts)
    display.console.print(closing, highlight=False, soft_wrap=True)
    return 0 if summary.gate and summary.gate.blessed else 1


def train(
    data: Data = "",
    cut_date: CutDate = None,
    fast: Fast = False,
    config: Config = None,
    changes: Changes = None,
    out: Out = Path("build/train"),
    start: Annotated[
        Start | None,
        Option(help="scratch, or from the stable model: refresh (its weights, new catalog) or warm (and one epoch)"),
    ] = None,
    override: Annotated[
        str | None, Option(metavar="REASON", help="push even if the gate refuses, for this reason, which is recorded")
    ] = None,
    override_by: Annotated[
        str, Option(metavar="NAME", help="name of the person who overrides (default: your login name)")
    ] = "",
) -> int:
    """Run the pipeline alone, up to a canary in the registry.

    Exit 1 if the gate does not bless the model.
    """
    changes = [*([f"train.start={start}"] if start else []), *(changes or ())]
    settings = run_settings(data=data, cut_date=cut_date, fast=fast, config=config, changes=changes)
    reason_and_name = _override(override, override_by)

    from components.artifacts.push_outcome import PushOutcome
    from model.registry.model_registry import Registry
    from pipelines.local.display import PIPELINE_STAGES, Display
    from pipelines.local.pipeline_process import run_pipeline
    from pipelines.local.run_directory import Paths, alone

    paths = Paths(out=out.resolve())
    with alone(paths.out), Display(PIPELINE_STAGES) as display:
        outputs = run_pipeline(settings, paths, Registry(paths.registry), display, *reason_and_name)
    pushed = PushOutcome.read(outputs["outcome"])
    if pushed.override:
        print(pushed.override.line)
    print(f"{pushed.version}: {pushed.reason}; stable is {pushed.stable}; registry {paths.registry}")
    return 0 if pushed.blessed else 1


def report(run: RunDirectory = DEMO_RUN) -> int:
    """Write the report of a finished run again."""
    from pipelines.demo import rewrite_report

    print(f"wrote {rewrite_report(run)}")
    return 0


def serve(
    run: RunDirectory = DEMO_RUN,
    http_port: Annotated[int, Option(help="REST port")] = 8080,
    grpc_port: Annotated[int, Option(help="gRPC port")] = 8081,
    rules: Rules = None,
    request_log: Annotated[
        Path | None, Option(metavar="DIR", help="log a row for each answer to this directory")
    ] = None,
) -> int:
    """Serve a run's stable model on 127.0.0.1.

    REST and gRPC of KServe's v2 protocol, until Ctrl-C.
    """
    from pipelines.local.serve import serve_stable

    return serve_stable(run, http_port, grpc_port, rules, request_log)


def explore(
    run: RunDirectory = DEMO_RUN,
    port: Annotated[int, Option(help="port of the page")] = 8090,
    examples: Annotated[Path | None, Option(metavar="DIR", help="an examples artifact instead of a run")] = None,
    model: Annotated[
        list[Path] | None, Option(metavar="DIR", help="with --examples: the stable model; give it again for the canary")
    ] = None,
) -> int:
    """Show recommendations and their reasons in a browser.

    The pages are served on 127.0.0.1 until Ctrl-C.
    """
    from pipelines.arguments import examples_in, model_in, quiet
    from pipelines.explore.run_selection import chosen_directories, chosen_run
    from pipelines.local.serve import check_free

    models = model or []
    if models and not examples:
        raise InputError("expected --examples DIR with --model, got none; name the data it was made from")
    check_free("--port", port)
    if examples:
        examples_in("--examples", examples)
        for directory in models:
            model_in("--model", directory)
    chosen = chosen_directories(examples, models) if examples else chosen_run(run)
    print(f"opening {', '.join(chosen.models)}, some ten seconds", flush=True)
    with quiet():
        import uvicorn

        from pipelines.explore.app import make_app
        from pipelines.explore.load_world import open_world

        app = make_app(open_world(chosen))
    print(f"ready: http://127.0.0.1:{port}  Ctrl-C ends", flush=True)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
    return 0


def _override(reason: str | None, name: str) -> tuple[str, str]:
    """(reason, name), both empty without an override. Raises InputError on one that the gate would refuse."""
    from components.gate.decide import refusal

    if reason is None:
        if name:
            raise InputError("expected --override REASON with --override-by, got none; give the reason")
        return "", ""
    name = name or getpass.getuser()
    if refused := refusal(reason, name):
        raise InputError(refused)
    return reason, name
