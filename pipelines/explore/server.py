"""Runs the pages on loopback until Ctrl-C."""

from pathlib import Path

from pipelines.arguments import examples_in, model_in, quiet
from pipelines.explore.run_selection import chosen_directories, chosen_run
from pipelines.local.serve import check_free

HOST = "127.0.0.1"


def explore(run: Path, port: int, examples: Path | None, models: list[Path]) -> int:
    """Opens a run, or examples with models by name, and serves the pages; returns 0 when it is ended.

    Raises:
        InputError: there is nothing to open, or the port is taken. ModelRefused: a model directory is damaged.
    """
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
    print(f"ready: http://{HOST}:{port}  Ctrl-C ends", flush=True)
    uvicorn.run(app, host=HOST, port=port, log_level="warning")
    return 0
