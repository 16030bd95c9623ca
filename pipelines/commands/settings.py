"""`aisle settings`."""

import json
import sys
from typing import Annotated

from typer import Option

WIDTH = 160
"""Columns of the table where no terminal sets them."""


def settings(as_json: Annotated[bool, Option("--json", help="print JSON, for programs")] = False) -> int:
    """Print every setting: default, range and meaning."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Column, Table

    from pipelines.reference.settings_page import COLUMNS, all_settings

    rows = list(all_settings())
    if as_json:
        print(json.dumps(rows, indent=1))
        return 0
    table = Table(Column(COLUMNS[0], no_wrap=True), *COLUMNS[1:], box=box.SIMPLE_HEAD)
    for row in rows:
        table.add_row(*map(escape, (row["name"], json.dumps(row["default"]), row["expected"], row["meaning"])))
    Console(width=None if sys.stdout.isatty() else WIDTH).print(table)
    return 0
