"""`pytest -n 2` runs every test once, and nothing beside the tests of the clock."""

import json

import pytest

from tests.parallel import ALONE, FIRST, OF_MINUTES, ROOT, group

pytest_plugins = ("pytester",)

PLUGIN = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
pytest_plugins = ("tests.parallel",)
"""
TESTS = """
import json, time
import pytest

@pytest.mark.parametrize("n", range(3))
def test_one(n):
    begin = time.monotonic()
    time.sleep(0.1)
    with open({log!r}, "a") as log:
        log.write(json.dumps([{file!r}, begin, time.monotonic()]) + "\\n")
"""
TIMED = "tests/pipelines/manifests/observability/test_faults.py"
FILES = (TIMED, "tests/pipelines/test_own_data.py", "tests/a/test_a.py", "tests/b/test_b.py")


def test_nothing_runs_beside_a_test_of_the_clock_and_every_test_runs_once(pytester: pytest.Pytester) -> None:
    log = pytester.path / "log"
    pytester.makeconftest(PLUGIN)
    for file in FILES:
        (pytester.path / file).parent.mkdir(parents=True, exist_ok=True)
        (pytester.path / file).write_text(TESTS.format(log=str(log), file=file))
    pytester.runpytest_inprocess("-n2", "--import-mode=importlib").assert_outcomes(passed=3 * len(FILES))
    ran = [json.loads(line) for line in log.read_text().splitlines()]
    assert sorted(file for file, *_ in ran) == sorted(3 * FILES)
    timed_end = max(end for file, _, end in ran if file == TIMED)
    assert all(begin >= timed_end for file, begin, _ in ran if file != TIMED)


def test_a_file_stays_in_one_process_and_so_does_a_directory_that_shares_what_it_makes() -> None:
    assert group("tests/model/package/test_vector_index.py::test_x[a::b]") == "tests/model/package/test_vector_index.py"
    assert group("tests/components/train/test_export.py::test_x") == "tests/components/train"
    assert group("tests/pipelines/test_cli.py::test_x") == "tests/pipelines/test_cli.py"
    assert group("tests/pipelines/explore/test_app.py::test_x") == "tests/pipelines/explore"
    assert group("tests/pipelines/explore/test_trained.py::test_x") == group("tests/pipelines/test_demo.py::test_x")
    assert group("tests/components/engines/test_engines.py::test_x") == "spark"
    assert group("tests/components/ingest/test_completejourney.py::test_x[spark]") == "spark"


def test_every_file_that_is_named_is_there_and_the_tests_of_the_clock_are_first() -> None:
    assert all((ROOT / file).exists() for file in FIRST)
    assert FIRST[TIMED] == ALONE == next(iter(FIRST.values()))
    shared = (ROOT / "tests/pipelines/conftest.py").read_text()
    assert all(f"def {name}(" in shared for name in OF_MINUTES)
