"""The split by shopper of the overlay's gateway: KServe's route as Envoy Gateway renders it, in a real Envoy."""

import http.client
import socket
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from scipy.stats import binomtest

from tests.manifests.rendered_gateway import HOST, KEY, OTHER_KEY, Pod, bootstrap, faulty_pod, gateway, pod, render
from tests.needs import EGCTL

pytestmark = pytest.mark.needs(EGCTL)

STABLE, CANARY = "aisle-va-predictor", "aisle-vb-predictor"
RETRIED_IN_VAIN = 3
"""Of thousands of requests. The hash leads some three of a hundred shoppers to the same pod at each retry
(docs/adr/012-split-by-the-gateway.md), until that pod is left out after two failures."""
SHOPPERS = [f"shopper-{number}" for number in range(2000)]


@pytest.fixture(scope="module")
def pods(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[Pod]]]:
    """Three of stable and two of the canary."""
    scratch = tmp_path_factory.mktemp("pods")
    with ExitStack() as stack:
        yield {
            name: [stack.enter_context(pod(name, scratch)) for _ in range(count)]
            for name, count in ((STABLE, 3), (CANARY, 2))
        }


def _ports(pods: dict[str, list[Pod]]) -> dict[str, list[int]]:
    return {name: [server.port for server in several] for name, several in pods.items()}


def _ask(port: int, shoppers: list[str | None], key: str = KEY) -> list[tuple[int, str]]:
    """(status, Service that answered) of each request, from four clients at a time."""

    def ask(part: list[str | None]) -> list[tuple[int, str]]:
        connection, answers = http.client.HTTPConnection("127.0.0.1", port, timeout=10), []
        for shopper in part:
            headers = {"host": HOST, "x-api-key": key} | ({"x-user-id": shopper} if shopper else {})
            connection.request("POST", "/v2/models/aisle/infer", b"{}", headers)
            response = connection.getresponse()
            answers.append((response.status, response.read().decode()))
        return answers

    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(ask, [shoppers[i::4] for i in range(4)]))
    return [parts[i % 4][i // 4] for i in range(len(shoppers))]


def _versions(port: int, times: int) -> dict[str, set[str]]:
    """{shopper: Services that answered} of so many requests of each."""
    versions = defaultdict(set)
    for _ in range(times):
        for shopper, (status, service) in zip(SHOPPERS, _ask(port, list(SHOPPERS)), strict=True):
            assert status == 200
            versions[shopper].add(service)
    return versions


def test_no_shopper_sees_two_versions_and_shares_are_as_declared_and_nested(
    pods: dict[str, list[Pod]], tmp_path: Path
) -> None:
    served = {}
    for percent in (10, 50):
        configs = render({STABLE: 100 - percent, CANARY: percent}, tmp_path)
        with gateway(bootstrap(configs, _ports(pods)), tmp_path) as port:
            versions = _versions(port, times=3)
        assert [shopper for shopper, services in versions.items() if len(services) > 1] == []
        served[percent] = {shopper for shopper, services in versions.items() if services == {CANARY}}
        assert binomtest(len(served[percent]), len(SHOPPERS), percent / 100).pvalue > 1e-4
    assert served[10] < served[50]


def test_a_request_without_the_header_is_split_at_random(pods: dict[str, list[Pod]], tmp_path: Path) -> None:
    with gateway(bootstrap(render({STABLE: 50, CANARY: 50}, tmp_path), _ports(pods)), tmp_path) as port:
        answers = _ask(port, [None] * 1000)
    assert {status for status, _ in answers} == {200}
    assert binomtest(sum(service == CANARY for _, service in answers), 1000, 0.5).pvalue > 1e-4


def test_a_request_without_a_key_is_refused(pods: dict[str, list[Pod]], tmp_path: Path) -> None:
    with gateway(bootstrap(render({STABLE: 50, CANARY: 50}, tmp_path), _ports(pods)), tmp_path) as port:
        assert {status for status, _ in _ask(port, list(SHOPPERS[:8]), key="another")} == {401}


@pytest.mark.parametrize("version", [STABLE, CANARY])
def test_a_pod_that_is_killed_costs_hardly_an_answer_and_moves_no_shopper_to_the_other_version(
    version: str, pods: dict[str, list[Pod]], tmp_path: Path
) -> None:
    with ExitStack() as stack:
        victim = stack.enter_context(pod(version, tmp_path))
        ports = _ports(pods)
        ports[version] = [victim.port, *ports[version][1:]]
        configs = render({STABLE: 50, CANARY: 50}, tmp_path)
        port = stack.enter_context(gateway(bootstrap(configs, ports), tmp_path))
        before = [service for _, service in _ask(port, list(SHOPPERS))]
        with ThreadPoolExecutor(1) as pool:
            during = pool.submit(_ask, port, list(SHOPPERS) * 2)
            victim.process.kill()
            answers = during.result()
    lost = [status for status, _ in answers if status != 200]
    assert len(lost) <= RETRIED_IN_VAIN
    assert all(after == was for (status, after), was in zip(answers, before * 2, strict=True) if status == 200)


def test_a_pod_that_closes_its_connections_costs_hardly_an_answer(pods: dict[str, list[Pod]], tmp_path: Path) -> None:
    with ExitStack() as stack:
        faulty, ports = stack.enter_context(faulty_pod(None)), _ports(pods)
        ports[CANARY] = [faulty.server_port, ports[CANARY][0]]
        configs = render({STABLE: 50, CANARY: 50}, tmp_path)
        port = stack.enter_context(gateway(bootstrap(configs, ports), tmp_path))
        answers = _ask(port, list(SHOPPERS))
    assert sum(status != 200 for status, _ in answers) <= RETRIED_IN_VAIN
    assert 2 <= faulty.requests < 200, "left out after two failures in a row, for ten seconds at first"


def test_a_503_of_a_server_that_sheds_load_is_an_answer_and_is_not_tried_again(
    pods: dict[str, list[Pod]], tmp_path: Path
) -> None:
    with ExitStack() as stack:
        shedding, ports = [stack.enter_context(faulty_pod(503)) for _ in range(2)], _ports(pods)
        ports[CANARY] = [server.server_port for server in shedding]
        configs = render({STABLE: 50, CANARY: 50}, tmp_path)
        port = stack.enter_context(gateway(bootstrap(configs, ports), tmp_path))
        answers = _ask(port, list(SHOPPERS))
    refused = [status for status, _ in answers if status == 503]
    assert sum(server.requests for server in shedding) == len(refused)
    assert len(refused) + sum(status == 200 for status, _ in answers) == len(SHOPPERS)
    assert all(server.requests > 100 for server in shedding), "no pod is left out for what it answers"
    assert binomtest(len(refused), len(SHOPPERS), 0.5).pvalue > 1e-4


def test_a_pod_sees_whole_requests_only(pods: dict[str, list[Pod]], tmp_path: Path) -> None:
    head = f"POST /v2/models/aisle/infer HTTP/1.1\r\nHost: {HOST}\r\nx-api-key: {KEY}\r\n"
    with ExitStack() as stack:
        only = stack.enter_context(faulty_pod(200))
        configs = render({STABLE: 50, CANARY: 50}, tmp_path)
        ports = {STABLE: [only.server_port], CANARY: [only.server_port]}
        port = stack.enter_context(gateway(bootstrap(configs, ports), tmp_path))
        stalled = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(100)]
        for sock in stalled:
            sock.sendall(f"{head}Content-Length: 100000\r\n\r\n".encode() + b" " * 99_990)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        headers = {"host": HOST, "x-api-key": KEY}
        connection.request("POST", "/v2/models/aisle/infer", b" " * ((1 << 20) + 1), headers)
        assert connection.getresponse().status == 413
        assert only.connections == 0
        stalled[0].sendall(b" " * 10)
        assert stalled[0].recv(100).startswith(b"HTTP/1.1 200")
        assert only.requests == 1


def test_a_key_that_asks_too_often_gets_429_and_another_one_is_served(
    pods: dict[str, list[Pod]], tmp_path: Path
) -> None:
    with gateway(bootstrap(render({STABLE: 50, CANARY: 50}, tmp_path, limited=True), _ports(pods)), tmp_path) as port:
        flood = [status for status, _ in _ask(port, ["ann"] * 4000)]
        other = [status for status, _ in _ask(port, list(SHOPPERS[:50]), key=OTHER_KEY)]
    assert set(flood) <= {200, 429} and set(other) == {200}
    assert flood.count(200) >= 1000
