"""`@pytest.mark.needs("java", "pyspark")`: a test that is run where these programs and packages are.

Elsewhere it is not run, and the last lines of the run list it: nothing is left out in silence.
"""

import os
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import pytest

from model.system.programs import find_program

CLUSTER = "a cluster (make test-cluster)"
"""Not a program: `make test-cluster` declares it; a KUBECONFIG that happens to be set does not."""
OWN_SERVER = "an API server of the tests' own (make test-cluster with KUBEBUILDER_ASSETS)"
"""Where a test may move traffic."""
CONTROLLER = "KServe's controller (AISLE_KSERVE_MANAGER, its program `manager`) beside it"
EGCTL = "egctl of Envoy Gateway (AISLE_EGCTL; go install github.com/envoyproxy/gateway/cmd/egctl@v1.9.1)"
FLINK = "the jar of Beam's Flink job server (AISLE_FLINK_JOB_SERVER, docs/machines.md)"
SPARK_CLUSTER = "a Spark cluster of five JVMs on this machine, and minutes (AISLE_SPARK_CLUSTER=1)"
NOT_RUN = pytest.StashKey[dict[str, list[str]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*names): programs on the PATH, or Python packages, it cannot run without")
    config.stash[NOT_RUN] = {}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    absent = {item: missing(item) for item in items}
    left_out = [item for item in items if absent[item]]
    for item in left_out:
        config.stash[NOT_RUN].setdefault(" and ".join(absent[item]), []).append(item.nodeid)
    items[:] = [item for item in items if not absent[item]]
    config.hook.pytest_deselected(items=left_out)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Of several processes (`pytest -n 2`), each collects the tests, and another one writes the last lines."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["not_run"] = session.config.stash[NOT_RUN]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    output: Mapping[str, Mapping[str, list[str]]] = getattr(node, "workeroutput", {})
    node.config.stash[NOT_RUN].update(output.get("not_run", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for names, tests in config.stash[NOT_RUN].items():
        terminalreporter.section(f"not run, needs {names}")
        for test in tests:
            terminalreporter.line(test)


def missing(item: pytest.Item) -> list[str]:
    """What the test needs and this machine does not have."""
    names = [name for mark in item.iter_markers("needs") for name in mark.args]
    return [name for name in names if not _is_there(name)]


def _is_there(name: str) -> bool:
    if name == CLUSTER:
        return "AISLE_CLUSTER" in os.environ
    if name == OWN_SERVER:
        return "AISLE_CLUSTER" in os.environ and "KUBECONFIG" not in os.environ
    if name == CONTROLLER:
        return "AISLE_KSERVE_MANAGER" in os.environ
    if name == EGCTL:
        return "AISLE_EGCTL" in os.environ
    if name == SPARK_CLUSTER:
        return "AISLE_SPARK_CLUSTER" in os.environ
    if name == FLINK:
        return "AISLE_FLINK_JOB_SERVER" in os.environ
    return find_program(name) is not None or find_spec(name) is not None
