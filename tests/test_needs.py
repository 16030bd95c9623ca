"""A test that needs an absent program is listed, not run, and not silently lost."""

from pathlib import Path

import pytest

pytest_plugins = ("pytester",)

PLUGIN = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
pytest_plugins = ("tests.needs",)
"""
TWO_TESTS = """
import pytest

@pytest.mark.needs("no-such-program")
def test_of_a_program_that_is_not_there():
    raise AssertionError

@pytest.mark.needs("python3", "json")
def test_of_what_is_there():
    pass
"""


@pytest.mark.parametrize("processes", [0, 2])
def test_what_an_absent_program_prevents_is_listed_at_the_end(pytester: pytest.Pytester, processes: int) -> None:
    pytester.makeconftest(PLUGIN)
    pytester.makepyfile(test_two=TWO_TESTS)
    result = pytester.runpytest_inprocess("--strict-markers", f"-n{processes}")
    result.assert_outcomes(passed=1, deselected=0 if processes else 1)
    result.stdout.fnmatch_lines(
        ["*not run, needs no-such-program*", "test_two.py::test_of_a_program_that_is_not_there", "*1 passed*"]
    )
