"""`aisle explore`."""

from pathlib import Path
from typing import Annotated

from typer import Option

from model.errors import InputError
from pipelines.commands.options import DEMO_RUN, RunDirectory


def explore(
    run: RunDirectory = DEMO_RUN,
    port: Annotated[int, Option(help="port of the page")] = 8090,
    examples: Annotated[Path | None, Option(metavar="DIR", help="an examples artifact instead of a run")] = None,
    model: Annotated[
        list[Path] | None,
        Option(metavar="DIR", help="with --examples: the stable model; give it again for the canary"),
    ] = None,
) -> int:
    """Show recommendations and their reasons in a browser.

    The pages are served on 127.0.0.1 until Ctrl-C.
    """
    from pipelines.explore.server import explore as serve_pages

    if model and not examples:
        raise InputError("expected --examples DIR with --model, got none; name the data it was made from")
    return serve_pages(run, port, examples, model or [])
