"""docs/architecture.md against the code: its rooms are the folders, and its walks name what exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(\w+/[\w/]+\.py):([\w.]+)`", PAGE)))
COMMON = {"op.py", "run.py", "settings.py", "__init__.py", "__main__.py"}
"""Names that mean the same in every folder."""
PATHS = sorted(set(re.findall(r"`(\w+/[\w/]+\.(?:py|yaml))[`:]", PAGE)))


def definitions(node: ast.AST, prefix: str = "") -> set[str]:
    """Names of all functions and classes of a module, methods as Class.method."""
    names = set()
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(prefix + child.name)
            if isinstance(child, ast.ClassDef):
                names |= definitions(child, f"{prefix}{child.name}.")
    return names


@pytest.mark.parametrize("floor", ["model", "components", "pipelines"])
def test_every_folder_of_a_floor_is_a_room_on_the_page_and_the_reverse(floor: str) -> None:
    rooms = re.findall(rf"^\| `({floor}/\w+)` \|", PAGE, re.MULTILINE)
    folders = {f"{floor}/{path.parent.name}" for path in (ROOT / floor).glob("*/__init__.py")}
    assert len(rooms) == len(set(rooms)) and set(rooms) == folders


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_every_step_of_a_walk_is_a_function_or_a_class(file: str, name: str) -> None:
    assert name in definitions(ast.parse((ROOT / file).read_text(encoding="utf-8")))


def test_every_file_on_the_page_exists() -> None:
    assert PATHS and [path for path in PATHS if not (ROOT / path).exists()] == []


def test_twenty_questions_are_answered() -> None:
    table = PAGE.partition("## Where is ...?")[2]
    assert len(re.findall(r"^\| [^|]+ \| `[^`]+` \|$", table, re.MULTILINE)) == 20


@pytest.mark.parametrize("floor", ["model", "components", "pipelines"])
def test_no_module_name_occurs_twice_on_a_floor(floor: str) -> None:
    names = [path.name for path in (ROOT / floor).rglob("*.py") if path.name not in COMMON]
    assert sorted(name for name in set(names) if names.count(name) > 1) == []
