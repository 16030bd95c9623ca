"""The table of docs/settings.md, written from the settings classes, and printed by `aisle settings`.

`python -m pipelines.reference.settings_page` writes the marked section again; a test fails when page and code disagree.
"""

from collections.abc import Iterator
from typing import Any

from model.files import write_text
from pipelines.reference.schema_page import DOCS, filled, table
from tfx_configs.frozen import Settings, expected
from tfx_configs.monitoring import MonitorStep
from tfx_configs.settings import RunSettings

PAGE = DOCS / "settings.md"
COLUMNS = ("setting", "default", "expected", "meaning")


def all_settings() -> Iterator[dict[str, Any]]:
    """The settings of a run, then those of the monitor, in the order of their classes.

    Each is {name, default, expected, meaning}: `default` is a JSON value, `expected` has type and range in words.
    """
    for settings in (RunSettings(), MonitorStep()):
        yield from _described(settings, "")


def _described(settings: Settings, prefix: str) -> Iterator[dict[str, Any]]:
    defaults = settings.model_dump(mode="json")
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, Settings):
            yield from _described(value, f"{prefix}{name}.")
        else:
            meaning = " ".join((field.description or "").split())
            values = {"default": defaults[name], "expected": expected(field), "meaning": meaning}
            yield {"name": f"{prefix}{name}", **values}


def sections() -> dict[str, str]:
    """{marked section: its Markdown}."""
    return {"settings": table("settings", columns=COLUMNS, settings=all_settings())}


if __name__ == "__main__":
    write_text(PAGE, filled(PAGE.read_text(encoding="utf-8"), sections()))
