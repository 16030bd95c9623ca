"""Plugins of every test run."""

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, settings

if TYPE_CHECKING:
    from tests.components.monitor.world import World

pytest_plugins = ("tests.needs", "tests.parallel")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", metavar="RUN", help="take those in docs/images again, of this finished run")
    parser.addoption("--measurements", metavar="DIR", help="folder for the figures that long tests measure, as JSON")
    parser.addoption("--fuzz-requests", type=int, default=100, help="over all endpoints, in the test of memory")
    parser.addoption("--fuzz-model", metavar="DIR", help="model directory for that test; default: the fake model")
    parser.addoption("--shipped-rows", default="100,50", help="at most, then the rows of a file of each kind")
    parser.addoption("--corrupted-tables", metavar="DIR", help="canonical tables that the test of corruptions breaks")


@pytest.fixture
def report_measurement(pytestconfig: pytest.Config) -> Callable[[str, dict[str, Any]], None]:
    """Writes {name}.json into the folder of `--measurements`; without that option it writes nothing."""

    def report(name: str, figures: dict[str, Any]) -> None:
        if folder := pytestconfig.getoption("--measurements"):
            from model.files import write_json

            write_json(Path(folder) / f"{name}.json", figures)

    return report


@pytest.fixture(scope="session")
def shop_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of `shop`."""
    return tmp_path_factory.mktemp("shop")


@pytest.fixture(scope="session")
def shop(shop_dir: Path) -> "World":
    """One recorded shop for all tests of the monitor."""
    from tests.components.monitor.shop import make

    return make(shop_dir)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Nothing that the test modules import is garbage, then or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Spark leaves a handler of Ctrl-C that fails once Spark has ended, to whichever test comes next."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
    # The tests start some two hundred processes: without bytecode on disk each compiles TensorFlow again, 8 s of CPU.
    sys.dont_write_bytecode = False
    sys.pycache_prefix = str(Path(__file__).parent.parent / "build" / "pycache")
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix

for variable in ("SPARK_SUBMIT_OPTS", "SPARK_LAUNCHER_OPTS"):
    os.environ.setdefault(variable, "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
"""Spark's tables are small here: an optimizing compiler and a parallel collector cost half of its CPU time."""

signal.signal(signal.SIGINT, signal.default_int_handler)
"""A shell's background job ignores Ctrl-C, and so would every process that the tests start and interrupt."""

settings.register_profile(
    "aisle", derandomize=True, max_examples=12, deadline=None, database=None, phases=(Phase.explicit, Phase.generate)
)
settings.load_profile("aisle")
"""The same few examples in every run; a failing example is shown as it is, since shrinking it takes minutes."""
