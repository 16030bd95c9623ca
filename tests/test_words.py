"""Code and docs speak the field's language: names, comments, messages and pages without the words of WORDS."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("tfx_configs", "model", "components", "pipelines", "benchmarks", "tests")
WORDS = {
    r"told|tells?|says?|said": "records, reports, renders; message, reason",
    r"looks?(?! (?:up|for)\b)": "evaluation, check, status",
    r"stands|standing|in force": "current, active",
    r"goes on (?:from|with)|gone on with": "starts from, resumed",
    r"by hand|hands?(?!-)": "command, manual",
    r"doors?|(?<!in )front(?! of)": "proxy, endpoint",
    r"nobody|somebody|whoever": "no client, an operator, the caller",
    r"anew|so long as|whatever becomes": "again, while, regardless of",
    r"what lost|for whom|without its parts": "alternatives, slices, ablation",
    r"pencil": "test with hand-computed values",
}
"""{pattern: what to write in its place}, whole words, in prose: docstrings, comments and messages."""
NAMES = {
    *("told", "tell", "tells", "says", "said", "look", "looks", "stands", "standing", "in_force", "hand", "hands"),
    *("door", "front", "nobody", "somebody", "whoever", "kept", "given", "found", "one", "known", "seen"),
}
"""Words that are no name: a name says what the value is."""
PROSE = re.compile(rf"(?<![\w-])(?:{'|'.join(WORDS)})(?![\w-])", re.IGNORECASE)


def names(source: str) -> Iterator[tuple[int, str]]:
    """(line, name) of every name that the code gives: variables, parameters, functions, classes."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.alias) and node.asname:
            yield node.lineno, node.asname


def prose(source: str) -> Iterator[tuple[int, str]]:
    """(line, text) of every comment and every string; a string that is a single word is a value, not prose."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT or (token.type in STRINGS and " " in token.string):
            for offset, line in enumerate(token.string.split("\n")):
                yield token.start[0] + offset, line


STRINGS = {tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}


def findings(path: Path) -> list[str]:
    """A line for each word of a file that does not belong there."""
    source, where = path.read_text(encoding="utf-8"), path.relative_to(ROOT)
    wrong = [f"{where}:{line}: name {name}" for line, name in names(source) if name.strip("_") in NAMES]
    wrong += [
        f"{where}:{line}: {match[0]!r} in {text.strip()[:90]!r}"
        for line, text in prose(source)
        for match in PROSE.finditer(text)
    ]
    return wrong


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_word_of_the_list_is_in_the_code(folder: str) -> None:
    files = [path for path in sorted((ROOT / folder).rglob("*.py")) if path != Path(__file__).resolve()]
    wrong = [line for path in files for line in findings(path)]
    assert not wrong, f"{len(wrong)} words; write {', '.join(WORDS.values())}:\n" + "\n".join(wrong)


PAGES = [
    *sorted((ROOT / "docs").rglob("*.md")),
    *(ROOT / name for name in ("README.md", "SECURITY.md", "CONTRIBUTING.md")),
]
NO_PROSE = re.compile(r"<!-- results:.*?<!-- /results -->|```.*?```|`[^`\n]*`", re.DOTALL)
"""Of a page: what a benchmark filled, and code."""


def page_findings(page: Path) -> list[str]:
    """A line for each word of a page that does not belong there."""
    text = NO_PROSE.sub(lambda match: "\n" * match[0].count("\n"), page.read_text(encoding="utf-8"))
    return [
        f"{page.name}:{number}: {match[0]!r} in {line.strip()[:90]!r}"
        for number, line in enumerate(text.split("\n"), 1)
        for match in PROSE.finditer(line)
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_word_of_the_list_is_in_the_docs(page: Path) -> None:
    wrong = page_findings(page)
    assert not wrong, f"write {', '.join(WORDS.values())}:\n" + "\n".join(wrong)


def test_the_check_sees_the_prose_of_a_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("`told`\n\n```\nsaid\n```\n<!-- results:x -->\nlooks\n<!-- /results -->\nIt looks.\n")
    assert page_findings(page) == ["page.md:9: 'looks' in 'It looks.'"]


def test_the_check_sees_names_and_prose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    file = tmp_path / "code.py"
    file.write_text('found = 1  # nobody\n"""Says it."""\ncount = "said"  # hand-computed, in front of it, look up\n')
    assert findings(file) == [
        "code.py:1: name found",
        "code.py:1: 'nobody' in '# nobody'",
        'code.py:2: \'Says\' in \'"""Says it."""\'',
    ]
