"""Renders a page as one HTML file that needs no network and no script."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from components.reporting.page_parts import Page


def environment(templates: Path) -> Environment:
    """The templates of a directory: every value is escaped, an unknown name is an error."""
    return Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(page: Page) -> str:
    """The HTML of a page."""
    return environment(Path(__file__).with_name("templates")).get_template("page.html").render(page=page)
