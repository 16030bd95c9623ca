"""The examples in the docstrings of model/ run, and every public class has one."""

import doctest
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import pytest

import model
from model.data import batch, catalog, trips

SHELVES_WITHOUT_EXAMPLES = ("model.features", "model.networks", "model.baselines")
"""Their classes need no example yet."""
WITHOUT_EXAMPLE = {
    *("OpenedModel", "Engine", "OnnxNetworks", "NetworkScorer", "VectorRows"),
    *("Connection", "RestServer", "Server", "GrpcServer", "GatedServicer"),
}
"""The first need an exported model, its networks or its index; the others are servers that KServe starts."""
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
MODULES = sorted(info.name for info in pkgutil.walk_packages(model.__path__, "model.") if not info.ispkg)


def public_classes(module: ModuleType) -> Iterator[type]:
    """The classes that the module itself defines; protocols and errors show nothing that could be run."""
    for name, value in vars(module).items():
        own = inspect.isclass(value) and value.__module__ == module.__name__ and not name.startswith("_")
        if own and not getattr(value, "_is_protocol", False) and not issubclass(value, BaseException):
            yield value


@pytest.fixture(scope="module")
def world() -> dict[str, object]:
    """`trips`, `catalog` and `batch`, as their own classes' examples make them; other examples start from these."""
    made: dict[str, object] = {}
    for module, name in ((trips, "Trips"), (catalog, "Catalog"), (batch, "Batch")):
        for example in doctest.DocTestFinder(recurse=False).find(getattr(module, name), name, module, extraglobs=made):
            doctest.DocTestRunner(optionflags=OPTIONS).run(example, clear_globs=False)
            made[name.lower()] = example.globs[name.lower()]
    return made


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_give_what_they_show(name: str, world: dict[str, object]) -> None:
    module = importlib.import_module(name)
    assert doctest.testmod(module, extraglobs=world, optionflags=OPTIONS).failed == 0


@pytest.mark.parametrize("name", [name for name in MODULES if not name.startswith(SHELVES_WITHOUT_EXAMPLES)])
def test_every_public_class_has_an_example(name: str) -> None:
    classes = public_classes(importlib.import_module(name))
    missing = {cls.__name__ for cls in classes if ">>> " not in (cls.__doc__ or "")}
    assert missing <= WITHOUT_EXAMPLE
