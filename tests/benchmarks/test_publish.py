"""The figures in the README and the docs are those of the kept results."""

from pathlib import Path

import pytest

from benchmarks.publish import PUBLISHED, filled, pages
from model.files import read_json


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_a_page_says_what_the_kept_results_say(page: Path) -> None:
    text = page.read_text()
    assert filled(text) == text, "run `python -m benchmarks.publish`"


def test_every_kept_result_says_where_and_with_what_it_was_measured() -> None:
    for path in PUBLISHED.glob("*.json"):
        assert {"hardware", "versions", "seed"} <= set(read_json(path)), path.name


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_no_line_begins_with_a_figure(page: Path) -> None:
    """Markdown takes such a line for HTML and ends the paragraph before it."""
    assert [line for line in page.read_text().splitlines() if line.lstrip().startswith("<!-- figure")] == []
