"""Product tests and benchmarks know nothing of each other: only tests/benchmarks imports benchmarks."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {"benchmarks": "tests", "tests": "benchmarks"}
"""{folder: the package that its files must not import, nor name as a module in a string}"""


@pytest.mark.parametrize(("folder", "other"), FOLDERS.items())
def test_a_folder_does_not_import_the_other(folder: str, other: str) -> None:
    named = re.compile(rf'^\s*(from|import) {other}\b|"{other}\.\w+[.:\w]*"', re.MULTILINE)
    files = [path for path in (ROOT / folder).rglob("*.py") if (ROOT / "tests" / "benchmarks") not in path.parents]
    assert files
    assert [str(path.relative_to(ROOT)) for path in files if named.search(path.read_text())] == []
