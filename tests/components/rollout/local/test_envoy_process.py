"""A real Envoy before two tiny servers."""

import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from components.rollout.local.envoy_config import routes
from components.rollout.local.processes import Backend, free_port, get, running, wait_ready
from model.errors import StageFailed
from model.files import write_text
from tests.components.rollout.local.proxy import SHOPPERS, World, world_of


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_of(tmp_path_factory.mktemp("proxy")) as running_world:
        yield running_world


def test_the_split_is_sticky_and_a_smaller_canarys_shoppers_are_in_a_larger_one(world: World) -> None:
    shoppers_at = {}
    for percent in (10, 50, 100, 0):
        world.proxy.set_percent(percent)
        shoppers_at[percent] = world.canary_shoppers()
    # Five standard deviations of Binomial(1000, p): 47 at 10 %, 79 at 50 %.
    assert abs(len(shoppers_at[10]) - 100) < 47
    assert abs(len(shoppers_at[50]) - 500) < 79
    assert shoppers_at[100] == set(SHOPPERS)
    assert shoppers_at[0] == set()
    assert shoppers_at[10] < shoppers_at[50]
    world.proxy.set_percent(10)
    assert world.canary_shoppers() == shoppers_at[10]


def test_a_header_picks_the_version_regardless_of_the_split(world: World) -> None:
    for percent in (0, 100):
        world.proxy.set_percent(percent)
        for side in ("stable", "canary"):
            assert world.ask(x_aisle_version=side, x_user_id="u") == (200, side, side)


def test_requests_without_a_shopper_are_split_by_chance(world: World) -> None:
    world.proxy.set_percent(50)
    answers = Counter(world.ask()[2] for _ in range(200))
    assert set(answers) == {"stable", "canary"}


def test_grpc_takes_the_same_routes(world: World) -> None:
    world.proxy.set_percent(50)
    with grpc.insecure_channel(f"127.0.0.1:{world.proxy.port}") as channel:
        call = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        for shopper in SHOPPERS[:50]:
            answer, details = call.with_call(b"", metadata=[("x-user-id", shopper)], timeout=10)
            header = dict(details.initial_metadata())["x-aisle-version"]
            assert answer.decode() == header == world.ask(x_user_id=shopper)[2]
        assert call(b"", metadata=[("x-aisle-version", "canary")], timeout=10) == b"canary"


def test_a_broken_routes_file_is_not_applied_and_the_next_good_one_is(world: World) -> None:
    world.proxy.set_percent(100)
    revision = world.proxy.revision()
    write_text(world.proxy.rds_file, "{")
    assert world.ask(x_user_id="u")[2] == "canary"
    assert world.proxy.revision() == revision
    world.proxy.set_percent(0)
    assert world.ask(x_user_id="u")[2] == "stable"


def test_a_percent_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="percent: expected 0 to 100, got 101"):
        routes(101, "1")


def test_everything_is_answered_when_the_canary_is_killed_and_the_proxy_counts_it(tmp_path: Path) -> None:
    with world_of(tmp_path) as world:
        world.proxy.set_percent(100)
        answers = []
        for n, shopper in enumerate(SHOPPERS):
            if n == 100:
                world.canary.kill()
            answers.append(world.ask(x_user_id=shopper))
        assert Counter(answers) == {(200, "canary", "canary"): 100, (200, "stable", "stable"): 900}
        name = "cluster.canary_first.upstream_rq_completed"
        assert world.proxy.stats(name)[name] == 1000
        assert world.ask(x_aisle_version="canary")[0] == 503
        port = world.proxy.port
    assert get(port, "/")[0] == 0


def test_many_clients_at_once_are_all_answered_when_the_canary_is_killed(tmp_path: Path) -> None:
    with world_of(tmp_path) as world, ThreadPoolExecutor(8) as clients:
        world.proxy.set_percent(100)
        replies = [clients.submit(world.ask, x_user_id=shopper) for shopper in SHOPPERS]
        world.canary.kill()
        answers = Counter(reply.result()[0] for reply in replies)
    assert answers == {200: len(SHOPPERS)}


def test_a_process_that_does_not_start_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no such model')"]
    with (
        running("stable", command, tmp_path / "log") as process,
        pytest.raises(StageFailed, match="stable: ended with exit code 1; its log ends: no such model"),
    ):
        wait_ready(process, Backend(http_port=free_port(), grpc_port=0), timeout_s=20)
