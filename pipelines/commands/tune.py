"""`aisle tune`."""

from pathlib import Path
from typing import Annotated

from typer import Option

from pipelines.commands.options import NUMBER, Changes, Config, CutDate, Data, Fast, Out, run_settings


def tune(
    data: Data = "",
    cut_date: CutDate = None,
    fast: Fast = False,
    config: Config = None,
    changes: Changes = None,
    out: Out = Path("build/tune"),
    minutes: Annotated[float, Option(help="how long to go on, beside the preparation", **NUMBER)] = 60.0,
    seed: Annotated[int, Option(help="of what is tried")] = 7,
    once: Annotated[bool, Option("--once", help="try the settings as they are, and print the figures")] = False,
    katib: Annotated[
        Path | None,
        Option(
            metavar="FILE", help="run nothing: write the study as a Katib Experiment, of which each trial runs --once"
        ),
    ] = None,
    trials: Annotated[int, Option(help="with --katib: how many", min=1)] = 40,
) -> int:
    """Search for better settings, on trips before the test span.

    Each trial trains, and judges on the last days before the cut; the first has the settings as they are. The same
    command goes on where it was ended. Leaves chosen.yaml, for --config, and the page tune.html.
    """
    from model.errors import InputError
    from pipelines.arguments import writable_file

    if minutes <= 0:
        raise InputError(f"expected --minutes above 0, got {minutes:g}")
    writable_file("--katib", katib)
    settings = run_settings(
        data=data, cut_date=cut_date, fast=fast, config=config, changes=changes, on_cluster=katib is not None
    )

    import yaml

    from model.files import write_text
    from pipelines.commands.output import text
    from pipelines.tuning.katib import experiment, lines
    from pipelines.tuning.page import lead_words
    from pipelines.tuning.run import run_once, run_study

    if katib is not None:
        write_text(katib, yaml.safe_dump(experiment(settings, trials), sort_keys=False, width=120))
        print(f"wrote {katib}")
    elif once:
        print(lines(run_once(settings, out.resolve())))
    else:
        result, chosen, page = run_study(settings, out.resolve(), minutes, seed)
        print(text("tune", result=result, lead=lead_words(result), chosen=chosen, page=page))
    return 0
