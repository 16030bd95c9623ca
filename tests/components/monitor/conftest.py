"""One shop for all tests that look at a real log."""

from pathlib import Path

import pytest

from benchmarks.monitoring.world import World
from tests.components.monitor.shop import make


@pytest.fixture(scope="session")
def shop_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shop")


@pytest.fixture(scope="session")
def shop(shop_dir: Path) -> World:
    return make(shop_dir)
