"""A test that needs an absent program is listed, not run, and not silently lost."""

import pytest

pytest_plugins = ("pytester",)

TWO_TESTS = """
import pytest

@pytest.mark.needs("no-such-program")
def test_of_a_program_that_is_not_there():
    raise AssertionError

@pytest.mark.needs("python3", "json")
def test_of_what_is_there():
    pass
"""


def test_what_an_absent_program_prevents_is_listed_at_the_end(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_two=TWO_TESTS)
    result = pytester.runpytest_inprocess("-p", "tests.needs", "--strict-markers")
    result.assert_outcomes(passed=1, deselected=1)
    result.stdout.fnmatch_lines(
        ["*not run, needs no-such-program*", "test_two.py::test_of_a_program_that_is_not_there", "*1 passed*"]
    )
