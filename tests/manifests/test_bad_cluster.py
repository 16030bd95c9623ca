"""What a real API server answers where something is missing, and what `aisle` makes of it: `make test-cluster`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.manifests.api_server import bare_server, prepare
from tests.needs import CLUSTER, OWN_SERVER
from tests.pipelines.command import aisle

pytestmark = pytest.mark.needs("kubectl", CLUSTER, OWN_SERVER)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with bare_server(tmp_path_factory.mktemp("bare")) as kubeconfig:
        yield kubeconfig


def _error_of(verb: str) -> str:
    done = aisle("rollout", verb, "--namespace", "aisle")
    assert done.returncode == 2, done.stderr
    return done.stderr


def test_what_is_missing_is_named_in_the_order_in_which_it_is_installed(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(bare))
    assert "install KServe first" in _error_of("status")
    prepare(bare)
    for verb in ("status", "promote", "rollback"):
        assert "apply the manifests of an overlay first, in namespace aisle" in _error_of(verb)
