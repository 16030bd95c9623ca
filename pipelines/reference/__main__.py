"""`python -m pipelines.reference [--check]`: writes the pages of docs/reference; with --check nothing is written, and
the exit code is 1 where a page is not current."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from model.files import write_changed
from pipelines.reference import (
    alerts_page,
    cli_page,
    decisions_page,
    http_page,
    metrics_page,
    pipelines_page,
    python_page,
    schema_page,
    server_page,
)


def texts() -> dict[Path, str]:
    """{file: its text}."""
    modules = (
        alerts_page,
        cli_page,
        decisions_page,
        http_page,
        metrics_page,
        pipelines_page,
        python_page,
        schema_page,
        server_page,
    )
    return {module.PAGE: module.page() for module in modules} | {http_page.DOCUMENT: http_page.document()}


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the files that changed."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file would change")
    check = parser.parse_args(argv).check
    changed = write_changed(texts(), check)
    for path in changed:
        print(f"{'would change' if check else 'wrote'} {path}")
    return 1 if check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
