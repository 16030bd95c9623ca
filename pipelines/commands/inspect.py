"""`aisle inspect`."""

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from pipelines.commands.options import Changes, Config, CutDate, run_settings


def inspect(
    data: Annotated[
        str,
        Argument(metavar="DIR", help="the export: a directory, s3://bucket/path or postgresql://user@host/database"),
    ],
    cut_date: CutDate = None,
    config: Config = None,
    changes: Changes = None,
    write: Annotated[
        Path | None, Option("--write", metavar="FILE", help="write the settings to start from, for --config")
    ] = None,
    as_json: Annotated[bool, Option("--json", help="print JSON, for programs")] = False,
) -> int:
    """Inspect an export in seconds, before a run.

    What each column is taken for, dirt, gaps, shoppers who come back, trips that can be judged, the task that fits.
    Exit 1 if a run would not get as far as training.
    """
    settings = run_settings(data=data, cut_date=cut_date, fast=False, config=config, changes=changes)

    import yaml

    from model.files import write_text
    from pipelines.arguments import writable_file
    from pipelines.commands.output import text
    from pipelines.inspection.inspection import inspect_source

    writable_file("--write", write)
    with redirect_stdout(sys.stderr):  # progress is no part of the answer
        inspection = inspect_source(settings)
    layers: dict[str, object] = {"data": inspection.data}
    if inspection.report:
        layers["resources"] = {"events": inspection.report.events}
    start = yaml.safe_dump(layers, sort_keys=False, allow_unicode=True)
    if write is not None:
        write_text(write, start)
    if as_json:
        print(inspection.model_dump_json(indent=1))
    else:
        print(text("inspection", found=inspection, start=start, write=write))
    return 0 if inspection.task and inspection.task.runs else 1
