"""Text for the terminal, from the templates beside this file."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters["fmt"] = format


def text(template: str, **values: Any) -> str:
    """The text of templates/{template}.txt.jinja, without a newline at its end."""
    return _TEMPLATES.get_template(f"{template}.txt.jinja").render(values).rstrip("\n")
