"""The pages speak the field's language: without the words that tests/test_words.py keeps out of the code."""

import re
from pathlib import Path

import pytest

from tests.test_words import PROSE

ROOT = Path(__file__).resolve().parents[2]
READERS = (
    *("architecture", "data", "design", "evaluation", "explore", "extend", "glossary", "index", "labels", "quality"),
    *("quickstart", "reranking", "robustness", "scaling", "shops", "your-data"),
)
PAGES = [ROOT / "README.md", *(ROOT / "docs" / f"{name}.md" for name in READERS)]
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
NO_PROSE = re.compile(r"`[^`\n]*`|<!--.*?-->|\]\([^)]*\)", re.DOTALL)


def findings(text: str) -> list[str]:
    """A line for each word of a page that does not belong there; code, comments and links are left out."""
    for left_out in (FENCED, NO_PROSE):
        text = left_out.sub(lambda match: "\n" * match[0].count("\n"), text)
    lines = enumerate(text.splitlines(), 1)
    return [f"{number}: {match[0]!r} in {line[:90]!r}" for number, line in lines for match in PROSE.finditer(line)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_word_of_the_list_is_in_the_page(page: Path) -> None:
    assert findings(page.read_text(encoding="utf-8")) == []


def test_the_check_sees_prose_and_no_code() -> None:
    word = "says"
    text = f"It {word} so.\n\n```bash\n{word}\n```\n`{word}` [x]({word}.md) <!-- {word}\n-->\nHe {word}.\n"
    assert findings(text) == [f"1: {word!r} in 'It {word} so.'", f"8: {word!r} in 'He {word}.'"]
