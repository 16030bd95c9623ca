"""Stages know nothing of each other, not even by strings, which no import contract sees."""

import ast
import re
from pathlib import Path

import pytest

import components

ROOT = Path(components.__file__).parent
STAGES = ("ingest", "validate", "examples", "train", "evaluate", "gate", "push", "rollout", "monitor", "exit_handler")
MODULE = re.compile(rf"\bcomponents\.({'|'.join(STAGES)})\b")


def docstrings(tree: ast.Module) -> set[ast.AST]:
    """Strings that stand alone: docstrings of anything, which may point to other stages."""
    alone = (node for node in ast.walk(tree) if isinstance(node, ast.Expr))
    return {node.value for node in alone if isinstance(node.value, ast.Constant)}


@pytest.mark.parametrize("stage", STAGES)
def test_no_string_of_a_stage_names_a_module_of_another(stage: str) -> None:
    named = []
    for path in sorted((ROOT / stage).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        prose = docstrings(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in prose:
                named += [(path.name, module) for module in MODULE.findall(node.value) if module != stage]
    assert named == []
