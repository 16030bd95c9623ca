"""Options that several commands share, and the settings that they add up to."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from pipelines.arguments import number

if TYPE_CHECKING:
    from tfx_configs.settings import RunSettings

NUMBER: dict[str, Any] = {"parser": number, "metavar": "NUMBER"}
"""Of an option that is a float; neither infinite nor "nan"."""
RunDirectory = Annotated[Path, Option("--run", metavar="DIR", help="directory of a run")]
DEMO_RUN = Path("build/demo")
LOG_HELP = "directory of a request log, or s3://bucket/path (docs/serving.md)"
Out = Annotated[Path, Option("--out", metavar="DIR", help="directory for everything the run writes")]
Rules = Annotated[
    Path | None, Option("--rules", metavar="FILE", help="business rules instead of the model's own (docs/reranking.md)")
]

Data = Annotated[
    str,
    Option(
        "--data",
        metavar="DIR",
        help="your own tables instead of the demo's: a directory, s3://bucket/path, postgresql://user@host/database",
    ),
]
CutDate = Annotated[str | None, Option("--cut-date", metavar="DATE", help="first test day, YYYY-MM-DD")]
Fast = Annotated[
    bool,
    Option("--fast", help="short training, and a small sample of the demo's data: for trying out, not for quality"),
]
Config = Annotated[Path | None, Option("--config", metavar="FILE", help="settings as YAML or JSON (`aisle settings`)")]
Changes = Annotated[
    list[str] | None,
    Option(
        "--set", metavar="KEY=VALUE", help="change one setting, section.field=value; repeatable, holds over all others"
    ),
]


def run_settings(
    *,
    data: str,
    cut_date: str | None,
    fast: bool,
    config: Path | None,
    changes: list[str] | None,
    on_cluster: bool = False,
) -> "RunSettings":
    """The settings that the options of a command add up to.

    Args:
        on_cluster: the directory of the data is one that the pods see; else one of this machine.

    Raises:
        InputError: `config` holds no settings.
        SettingsError: a name or a value that the settings refuse.
    """
    from pipelines.arguments import settings_in
    from tfx_configs import recipes
    from tfx_configs.settings import RunSettings

    layer = settings_in("--config", config, RunSettings)
    run = recipes.run_settings(config=layer, path=data, cut_date=cut_date, fast=fast, changes=changes or ())
    if on_cluster or not run.data.path or "://" in run.data.path:
        return run
    return run.replace(data=run.data.replace(path=str(Path(run.data.path).resolve())))
