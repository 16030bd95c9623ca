"""Plugins of every test run."""

import gc
import signal
from collections.abc import Iterator

import pytest
from hypothesis import Phase, settings

pytest_plugins = ("tests.needs", "tests.parallel")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", metavar="RUN", help="take those in docs/images again, of this finished run")


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


signal.signal(signal.SIGINT, signal.default_int_handler)
"""A shell's background job ignores Ctrl-C, and so would every process that the tests start and interrupt."""

settings.register_profile(
    "aisle", derandomize=True, max_examples=12, deadline=None, database=None, phases=(Phase.explicit, Phase.generate)
)
settings.load_profile("aisle")
"""The same few examples in every run; what fails is shown as found, since shrinking it takes minutes."""
