"""Ingest for the monitor: the tables as they are now, read as the training runs read them."""

from typing import Any

from components.ingest.run import ingest
from tfx_configs.settings import DataSettings, RunSettings


def ingest_now(training: str, source: str, tables_dir: str) -> dict[str, Any]:
    """Writes canonical tables into `tables_dir`, as components.ingest.run.ingest does; returns its report.

    Args:
        training: RunSettings of the training runs as JSON, whose data are read; empty: there are none.
        source: then the directory of canonical tables.
        tables_dir: replaced in one step.

    Raises:
        InputError, CheckFailed: as components.ingest.run.ingest.
    """
    data = RunSettings.from_json(training).data if training else DataSettings(source="canonical", path=source)
    # Where training splits time is nothing to the monitor, and may lie outside of what the tables hold by now.
    settings = RunSettings(data=data.replace(cut_date=None))
    return ingest(settings.to_json(), tables_dir)
