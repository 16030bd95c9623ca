"""Renders a page as one HTML file that needs no network and no script."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from components.reporting.page_parts import Page


def environment(templates: Path, escaped: bool = True) -> Environment:
    """The templates of a directory: values are escaped, unless they are plain text; an unknown name is an error."""
    return Environment(
        loader=FileSystemLoader(templates),
        autoescape=escaped,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(page: Page) -> str:
    """The HTML of a page."""
    return environment(Path(__file__).with_name("templates")).get_template("page.html").render(page=page)
