"""A shadow behind a real Envoy: it gets its copies, and no client notices its faults."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest

from components.rollout.local.envoy_config import routes
from tests.components.rollout.local.proxy import SHOPPERS, World, world_of

HANG_S = "30"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_of(tmp_path_factory.mktemp("mirror")) as running_world:
        yield running_world


def _copies(world: World, expected: int) -> int:
    """Copies the canary has got so far, once there are as many as expected or a second has gone by."""
    deadline = time.monotonic() + 1
    while (copied := world.seen_by_canary()["shadow"]) < expected and time.monotonic() < deadline:
        time.sleep(0.02)
    return copied


def _ask(world: World, count: int) -> np.ndarray:
    """[count] milliseconds of as many requests, each answered by stable."""
    took = []
    for shopper in SHOPPERS[:count]:
        begin = time.perf_counter()
        assert world.ask(x_user_id=shopper) == (200, "stable", "stable")
        took.append((time.perf_counter() - begin) * 1000)
    return np.array(took)


def test_the_shadow_gets_a_copy_of_every_request_and_stable_answers_all_of_them(world: World) -> None:
    before = world.seen_by_canary()
    world.proxy.set_percent(0, shadow_percent=100)
    _ask(world, 100)
    assert world.ask() == (200, "stable", "stable")
    assert _copies(world, before["shadow"] + 101) - before["shadow"] == 101
    assert world.seen_by_canary()["split"] == before["split"]


def test_the_shadow_gets_a_copy_of_a_share(world: World) -> None:
    before = world.seen_by_canary()["shadow"]
    world.proxy.set_percent(0, shadow_percent=20)
    _ask(world, 500)
    # Five standard deviations of Binomial(500, 0.2): 45.
    assert abs(_copies(world, before + 100) - before - 100) < 45


def test_a_grpc_request_is_copied_too(world: World) -> None:
    before = world.seen_by_canary()["shadow"]
    world.proxy.set_percent(0, shadow_percent=100)
    with grpc.insecure_channel(f"127.0.0.1:{world.proxy.port}") as channel:
        call = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        assert call(b"", metadata=[("x-user-id", "u")], timeout=10) == b"stable"
    assert _copies(world, before + 1) == before + 1


def test_neither_events_nor_requests_that_name_their_version_are_copied(world: World) -> None:
    before = world.seen_by_canary()
    world.proxy.set_percent(0, shadow_percent=100)
    for side in ("stable", "canary"):
        assert world.ask(x_aisle_version=side)[1] == side
    assert world.ask("/events")[1] == "stable"
    assert _copies(world, before["shadow"] + 1) == before["shadow"]
    assert world.seen_by_canary()["split"] == before["split"] + 1


def test_without_a_shadow_nothing_is_copied(world: World) -> None:
    world.proxy.set_percent(0)
    before = world.seen_by_canary()
    _ask(world, 20)
    assert world.seen_by_canary() == before


@pytest.mark.parametrize("fault", [signal.SIGSTOP, signal.SIGKILL])
def test_a_shadow_that_hangs_or_crashes_costs_no_client_anything(tmp_path: Path, fault: signal.Signals) -> None:
    with world_of(tmp_path) as world:
        world.proxy.set_percent(0)
        alone_ms = np.median(_ask(world, 300))
        world.proxy.set_percent(0, shadow_percent=100)
        os.kill(world.canary.pid, fault)
        took_ms = _ask(world, 600)
        os.kill(world.canary.pid, signal.SIGCONT)
    assert np.median(took_ms) < 3 * alone_ms + 2
    assert took_ms.max() < 1000


def test_a_slow_shadow_that_stays_healthy_fills_up_and_no_client_notices(tmp_path: Path) -> None:
    with world_of(tmp_path, HANG_S) as world:
        world.proxy.set_percent(0, shadow_percent=100)
        took_ms = _ask(world, 1000)
        assert "canary" in world.proxy.healthy()
        waiting = world.proxy.stats("^cluster.canary.upstream_rq_active")
    assert took_ms.max() < 1000
    assert waiting["cluster.canary.upstream_rq_active"] > 100


def test_a_shadow_that_also_serves_is_refused() -> None:
    with pytest.raises(ValueError, match="shadow_percent: expected 0 while the canary serves 10 %, got 50"):
        routes(10, "1", shadow_percent=50)
    with pytest.raises(ValueError, match="shadow_percent: expected 0 to 100, got 101"):
        routes(0, "1", shadow_percent=101)
