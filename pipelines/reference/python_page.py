"""docs/reference/python.md: the Python API of a model, from the source of model/api.py and its docstrings."""

import ast
import inspect
import re
from collections.abc import Iterator
from typing import NamedTuple

from model import api
from model.package import loaded_model
from pipelines.reference.schema_page import DOCS, table

PAGE = DOCS / "reference" / "python.md"


class Part(NamedTuple):
    """A field or a method of a class, or a constant."""

    signature: str
    about: str


class Class(NamedTuple):
    """One class."""

    name: str
    about: str
    example: str
    parts: list[Part]


def classes() -> list[Class]:
    """The public classes of model.api, in their order."""
    nodes = ast.parse(inspect.getsource(api)).body
    return [_class(node) for node in nodes if isinstance(node, ast.ClassDef)]


def constants() -> list[Part]:
    """Its public constants."""
    return _assigned(ast.parse(inspect.getsource(api)).body)


def page() -> str:
    load = inspect.cleandoc(loaded_model.load.__doc__ or "")
    signature = f"load{inspect.signature(loaded_model.load)}"
    return table("python", classes=classes(), constants=constants(), load=load, signature=_plain(signature)) + "\n"


def _class(node: ast.ClassDef) -> Class:
    about, _, example = inspect.cleandoc(ast.get_docstring(node) or "").partition("Example:\n")
    methods = [part for part in node.body if isinstance(part, ast.FunctionDef) and not part.name.startswith("_")]
    parts = [*_assigned(node.body), *(_method(method) for method in methods)]
    return Class(node.name, about.strip(), inspect.cleandoc(example), parts)


def _method(node: ast.FunctionDef) -> Part:
    arguments = ast.unparse(node.args).removeprefix("self, ").removeprefix("self").removeprefix("cls, ")
    returned = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    about = (ast.get_docstring(node) or "").partition("Example:")[0]
    return Part(_plain(f"{node.name}({arguments}){returned}"), _joined(about))


def _assigned(body: list[ast.stmt]) -> list[Part]:
    """Names with a value or a type, each with the docstring behind it."""
    parts = []
    for node, follower in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign):
            value = f" = {ast.unparse(node.value)}" if node.value else ""
            signature = f"{ast.unparse(node.target)}: {ast.unparse(node.annotation)}{value}"
        elif isinstance(node, ast.Assign):
            signature = ast.unparse(node)
        else:
            continue
        parts.append(Part(_plain(signature), _joined(next(_docstring(follower), ""))))
    return parts


def _docstring(node: ast.stmt | None) -> Iterator[str]:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        yield node.value.value


def _joined(text: str) -> str:
    return " ".join(text.split())


def _plain(signature: str) -> str:
    """Without default factories, module paths and quotes around types."""
    signature = re.sub(r"field\(default_factory=(\w+)\)", r"\1()", signature)
    signature = re.sub(r"field\(default=(.+?)\)$", r"\1", signature)
    signature = re.sub(r"(?<=: )'([^']+)'|(?<=-> )'([^']+)'", r"\1\2", signature)
    return re.sub(r"(?:\w+\.)+(?=[A-Z])", "", signature)
