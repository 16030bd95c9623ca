"""One server for all tests that only ask it things."""

from collections.abc import Iterator

import pytest

from tests.model.serving.live_server import Server, live_server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with live_server(tmp_path_factory.mktemp("server"), "v7", items=["a", "b", "c"]) as server:
        yield server
