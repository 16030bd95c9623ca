"""One small world for all tests of the explorer, behind a real server on loopback."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn

from pipelines.explore.app import make_app
from pipelines.explore.load_world import World, open_world
from pipelines.explore.run_selection import chosen_run
from tests.pipelines.explore.small_run import small_run


@pytest.fixture(scope="session")
def explored_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_run(tmp_path_factory.mktemp("explore"))


@pytest.fixture(scope="session")
def world(explored_run: Path) -> World:
    return open_world(chosen_run(explored_run))


@contextmanager
def serving(world: World) -> Iterator[str]:
    """The pages of a world behind a server; yields its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(make_app(world), log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="session")
def address(world: World) -> Iterator[str]:
    with serving(world) as address:
        yield address


@pytest.fixture(scope="session")
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=30) as client:
        yield client
