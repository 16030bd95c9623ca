"""How `pytest -n 2` shares the tests out among its processes; without `-n` it has no part.

Tests that share a fixture stay in one process. What takes minutes starts first. While the tests that measure time or
the machine's load run, the other processes wait.
"""

from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
ALONE = "alone"
"""The group that no other test runs beside: the first of all."""
FIRST = {
    "tests/pipelines/manifests/observability/test_faults.py": ALONE,
    "tests/pipelines/test_own_data.py": "films",
    "tests/pipelines/test_demo.py": "promoted",
    "tests/pipelines/explore/test_trained.py": "promoted",
    "tests/pipelines/test_recommend_command.py": "promoted",
    "tests/components/engines/test_engines.py": "spark",
    "tests/components/engines/test_hostile.py": "spark",
    "tests/components/engines/test_same_reading.py": "spark",
    "tests/components/ingest/test_completejourney.py": "spark",
}
"""{file: group}, in the order in which they are begun."""
LIGHT = {Path("tests"), Path("tests/pipelines")}
"""Directories whose conftest.py makes nothing that is worth sharing."""
OF_MINUTES = ("films_run", "grocery_run", "promoted_run")
"""Fixtures that no two processes should make."""


def group(nodeid: str) -> str:
    """The tests of a file are one group, and those below a directory whose conftest.py makes things for them."""
    file = nodeid.partition("::")[0]
    directory = Path(file).parent
    if file in FIRST:
        return FIRST[file]
    nearest = next(place for place in (directory, *directory.parents) if (ROOT / place / "conftest.py").exists())
    return file if nearest in LIGHT else str(nearest)


def pytest_configure(config: pytest.Config) -> None:
    """For each setting of a pipeline KFP reads the sources of the whole call stack, for the name of one function: it
    would take a third of what all imports of the tests take."""
    if hasattr(config, "workerinput") and config.rootpath == ROOT:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("inspect.stack", lambda: [[""] * 4] * 2)  # KFP asks for the fourth value of the second frame
            import pipelines.definitions.compile  # noqa: F401


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for name in OF_MINUTES:
        users = {group(item.nodeid) for item in items if name in getattr(item, "fixturenames", ())}
        if len(users) > 1:
            raise pytest.UsageError(f"{name}: expected to be used in one group of tests, got {users}; see {__file__}")
    if hasattr(config, "workerinput"):
        order = list(dict.fromkeys(FIRST.values()))
        items.sort(key=lambda item: order.index(group(item.nodeid)) if group(item.nodeid) in order else len(order))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Gives one group after the other to whichever process is free."""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid)

        def _assign_work_unit(self, node: Any) -> None:
            if not any(self._runs_alone(other) for other in self.nodes if other is not node):
                super()._assign_work_unit(node)

        def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:
            ran_alone = self._runs_alone(node)
            super().mark_test_complete(node, item_index, duration)
            if ran_alone and not self._runs_alone(node):
                for other in (*self.nodes, *self.nodes):  # a process begins once it knows of two tests
                    self._reschedule(other)

        def _runs_alone(self, node: Any) -> bool:
            return not all(self.assigned_work[node].get(ALONE, {}).values())

    config.option.loadscopereorder = False
    return Groups(config, log)
