"""`aisle compare`: two finished runs side by side."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

if TYPE_CHECKING:
    from components.reporting.page_parts import Page

WIDTH = 140
"""Columns of the tables where no terminal sets them."""


def compare(
    first: Annotated[Path, Argument(metavar="RUN", help="directory of a finished run")],
    second: Annotated[Path, Argument(metavar="RUN", help="directory of the run to compare with it")],
    page: Annotated[
        Path | None, Option(metavar="FILE", help="also write the comparison to this file, as an offline page")
    ] = None,
) -> int:
    """Compare two finished runs.

    Data, settings that differ, versions, metrics with intervals, slices, gate, rollout and times. Where both judged
    the same trips, the differences are paired.
    """
    from components.reporting.html_page import render
    from model.files import write_text
    from pipelines.arguments import writable_file
    from pipelines.compare.run import compare_runs

    writable_file("--page", page)
    compared = compare_runs(first, second)
    _print(compared)
    if page is not None:
        write_text(page, render(compared))
        print(f"wrote {page}")
    return 0


def _print(page: "Page") -> None:
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)
    console.print(page.headline, markup=False, style="bold")
    for section in page.sections:
        console.print(f"\n{escape(section.title)}", style="bold")
        console.print(section.lead, markup=False)
        for part in section.tables:
            table = Table(*map(escape, part.header), box=box.SIMPLE_HEAD)
            for row in part.rows:
                table.add_row(*(escape(str(cell)) for cell in row))
            console.print(table)
