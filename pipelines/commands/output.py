"""Text for the terminal, from the templates beside this file."""

from pathlib import Path
from typing import Any

from components.reporting.html_page import environment

_TEMPLATES = environment(Path(__file__).parent / "templates", escaped=False)
_TEMPLATES.filters["fmt"] = format


def text(template: str, **values: Any) -> str:
    """The text of templates/{template}.txt.jinja, without a newline at its end."""
    return _TEMPLATES.get_template(f"{template}.txt.jinja").render(values).rstrip("\n")
