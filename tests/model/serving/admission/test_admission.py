"""A real server and clients that send too much, too slowly, or never the end; another client is served meanwhile."""

import gzip
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import grpc
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as pb

from model.serving.http.events import BATCH
from model.serving.http.rest import DROPPED_S
from tests.model.serving.admission.attacks import (
    BODY,
    INFER,
    Victim,
    answer,
    chunked,
    connected,
    head,
    rss_mb,
    sent,
    stalled,
)
from tests.model.serving.live_server import Server, event, live_server, tensor

TIME_S = 1.0
NOISE_MS = 200
"""Of a machine that does other work too; `make bench-abuse` measures on cores of its own."""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose clients have a second for headers and one for a body."""
    options = ("--header-s", str(TIME_S), "--body-s", str(TIME_S))
    with live_server(tmp_path_factory.mktemp("guarded"), "v7", options, items=["a", "b"]) as server:
        yield server


def refused(server: Server, cause: str) -> float:
    name = f'aisle_refused_total{{cause="{cause}"}} '
    lines = server.call("GET", "/metrics")[1].splitlines()
    return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))


@pytest.mark.parametrize("path", [INFER, "/events", "/v1/models/aisle:predict", "/nope"])
def test_a_body_without_an_end_is_a_413_on_every_path_and_is_not_held(guarded: Server, path: str) -> None:
    before, count = rss_mb(guarded), refused(guarded, "body_size")
    status, taken = chunked(guarded, path, 800)
    assert status in (413, 0) and taken < 10  # 0: the refusal came while the client still sent, and was lost
    assert refused(guarded, "body_size") == count + 1
    assert rss_mb(guarded) - before < 64


def test_a_declared_size_beyond_the_limit_is_a_413_before_a_byte_of_it_comes(guarded: Server) -> None:
    with connected(guarded) as sock:
        sock.sendall(head(INFER, "Content-Length: 1048577"))
        assert answer(sock) == 413
    with connected(guarded) as sock:
        sock.sendall(head(INFER, "Content-Length: 1048577", "Expect: 100-continue"))
        assert answer(sock) == 413


def test_a_client_that_waits_for_leave_to_send_gets_it(guarded: Server) -> None:
    with connected(guarded) as sock:
        sock.sendall(head(INFER, f"Content-Length: {len(BODY)}", "Expect: 100-continue"))
        assert answer(sock) == 100
        sock.sendall(BODY)
        assert answer(sock) == 200


def test_headers_without_an_end_are_a_408_and_large_ones_a_431(guarded: Server) -> None:
    before = refused(guarded, "header_time"), refused(guarded, "header_size")
    begin = time.monotonic()
    assert sent(guarded, head(INFER)[:-4]) == 408
    assert TIME_S < time.monotonic() - begin < TIME_S + 1
    assert sent(guarded, head(INFER)[:-2], *[b"X-Y: " + b"z" * 4000 + b"\r\n"] * 20, pause_s=0.02) == 431
    assert sent(guarded, head(INFER, *[f"X-{n}: 1" for n in range(200)])) == 431
    assert (refused(guarded, "header_time"), refused(guarded, "header_size")) == (before[0] + 1, before[1] + 2)


def test_a_body_that_stalls_is_a_408_and_costs_no_place(guarded: Server) -> None:
    before = refused(guarded, "body_time")
    assert sent(guarded, head(INFER, f"Content-Length: {len(BODY)}"), BODY[:-1]) == 408
    assert refused(guarded, "body_time") == before + 1


def test_a_connection_that_sends_nothing_is_closed(guarded: Server) -> None:
    with connected(guarded) as sock:
        assert sock.recv(1) == b""


def test_what_is_not_http_is_a_400_with_one_line(guarded: Server) -> None:
    before = refused(guarded, "not_http")
    assert sent(guarded, b"\x16\x03\x01 hello\r\n\r\n") == 400
    assert refused(guarded, "not_http") == before + 1


def test_requests_sent_without_waiting_are_answered_in_order_and_a_refusal_does_not_overtake(guarded: Server) -> None:
    request = head(INFER, f"Content-Length: {len(BODY)}") + BODY
    with connected(guarded) as sock:
        sock.sendall(request * 3)
        text = b""
        while text.count(b"HTTP/1.1 200 OK") < 3:
            part = sock.recv(65536)
            assert part
            text += part
    with connected(guarded) as sock:
        sock.sendall(request + head(INFER, "Content-Length: 9999999"))
        assert answer(sock) in (200, 0)


def test_300_stalled_uploads_leave_another_client_and_the_memory_alone(guarded: Server) -> None:
    quiet, during = Victim(guarded), Victim(guarded)
    with quiet.asking():
        time.sleep(1.5)
    before = rss_mb(guarded)
    with stalled(guarded, 300, 1 << 20), during.asking():
        added = rss_mb(guarded) - before
        time.sleep(TIME_S)
    assert during.bad == [] and len(during.seconds) > 50
    assert added < 64
    assert during.p99_ms() < 2 * quiet.p99_ms() + NOISE_MS, (during.p99_ms(), quiet.p99_ms())


@pytest.mark.parametrize("body", ["inputs", "numbers", "events", "outputs"])
def test_more_than_there_is_to_say_is_refused_and_another_client_does_not_wait(guarded: Server, body: str) -> None:
    value, path, kind, good = {
        "inputs": ({"inputs": [tensor("x", "1")] * 14_000}, INFER, "application/json", 400),
        "numbers": ({"inputs": [tensor("user_id", *[1] * 300_000)]}, INFER, "application/json", 400),
        "outputs": ({"inputs": [tensor("user_id", "u")], "outputs": [{"name": "x"}] * 50_000}, INFER, "-", 400),
        "events": ([event(f"f{n}", f"flood-{n}", "milk", "2020-01-01T10:00:00Z") for n in range(5000)],
                   "/events", BATCH, 202),
    }[body]  # fmt: skip
    content = json.dumps(value).encode()
    quiet, during = Victim(guarded), Victim(guarded)
    with quiet.asking():
        time.sleep(1.0)
    before = rss_mb(guarded)
    with during.asking():
        for _ in range(3):
            status, answered = guarded.call("POST", path, content, content_type=kind)
            assert status == good, answered
        time.sleep(0.5)
    assert during.bad == []
    assert rss_mb(guarded) - before < 64
    assert during.p99_ms() < 2 * quiet.p99_ms() + NOISE_MS, (during.p99_ms(), quiet.p99_ms())


def test_too_many_connections_cost_only_those_that_wait(tmp_path_factory: pytest.TempPathFactory) -> None:
    options = ("--max-connections", "50", "--max-wasted-per-s", "1000")
    with live_server(tmp_path_factory.mktemp("few"), "v7", options, items=["a"]) as server, ExitStack() as stack:
        during = Victim(server)
        with during.asking():
            time.sleep(0.2)
            socks = [stack.enter_context(connected(server)) for _ in range(300)]
            time.sleep(0.3)
            for sock in socks[-40:]:
                sock.sendall(head(INFER)[:-2])
            time.sleep(0.3)
        assert during.bad == [] and len(during.seconds) > 20
        assert refused(server, "connections") >= 200


def test_a_client_that_comes_back_after_each_refusal_is_not_accepted_until_it_has_waited(guarded: Server) -> None:
    """Twenty wasted connections a second, thirty at once; the next ends with a reset, and then the kernel drops what it
    sends to open one, which its own kernel sends again after a second."""
    time.sleep(2.5)  # the bucket is empty
    before, during, begin = refused(guarded, "strikes"), Victim(guarded), time.monotonic()
    with during.asking():
        answers = [413]
        while answers[-1] == 413:
            answers.append(sent(guarded, head(INFER, "Content-Length: 1048577")))
        lasted_s, begin = time.monotonic() - begin, time.monotonic()
        assert answers[-1] == 0 and 20 <= len(answers) <= 30 + 20 * lasted_s + 3
        assert sent(guarded, head(INFER, f"Content-Length: {len(BODY)}"), BODY) == 200
        assert time.monotonic() - begin > 0.9 * DROPPED_S
    assert refused(guarded, "strikes") - before == 1
    assert during.bad == []


def test_clients_behind_a_proxy_do_not_shut_each_other_out(tmp_path_factory: pytest.TempPathFactory) -> None:
    options = ("--client-header", "x-aisle-client", "--max-wasted-per-s", "1")
    with live_server(tmp_path_factory.mktemp("proxied"), "v7", options, items=["a"]) as server:
        assert [sent(server, head(INFER, "Content-Length: 1048577")) for _ in range(20)] == [413] * 20


def test_a_gzip_body_is_read_with_a_bound_and_another_encoding_is_a_415(guarded: Server) -> None:
    def send(body: bytes, encoding: str) -> int:
        return guarded.call("POST", INFER, body, content_type="application/json", content_encoding=encoding)[0]

    assert send(gzip.compress(BODY), "gzip") == 200
    assert send(gzip.compress(b" " * (2 << 20) + BODY), "gzip") == 413
    assert send(gzip.compress(BODY)[:-5], "gzip") == send(BODY, "gzip") == 400
    assert send(BODY, "br") == 415


def test_a_grpc_message_that_never_comes_times_out_and_a_large_one_is_refused(guarded: Server) -> None:
    request = pb.ModelInferRequest(model_name="aisle")
    for _ in range(60_000):
        request.inputs.add(name="zz", datatype="BYTES", shape=[1]).contents.bytes_contents.append(b"1")
    with pytest.raises(grpc.RpcError) as error:
        guarded.stub.ModelInfer(request, timeout=10)
    assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    del request.inputs[10_000:]
    with pytest.raises(grpc.RpcError) as error:
        guarded.stub.ModelInfer(request, timeout=10)
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    with grpc.insecure_channel(f"127.0.0.1:{guarded.grpc_port}") as channel:
        call = channel.stream_unary("/inference.GRPCInferenceService/ModelInfer")
        with pytest.raises(grpc.RpcError) as error:
            call(_never(), timeout=10)
        assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert f"within {TIME_S:g} s" in str(error.value.details())


def test_refused_grpc_messages_are_not_held(guarded: Server) -> None:
    request = pb.ModelInferRequest(model_name="aisle")
    for _ in range(40_000):
        request.inputs.add(name="zz", datatype="BYTES", shape=[1]).contents.bytes_contents.append(b"1")
    before = rss_mb(guarded)
    for _ in range(50):
        with pytest.raises(grpc.RpcError) as error:
            guarded.stub.ModelInfer(request, timeout=10)
        assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert rss_mb(guarded) - before < 64


def test_grpc_connections_too_many_are_closed(tmp_path_factory: pytest.TempPathFactory) -> None:
    options = ("--max-connections", "3", "--header-s", str(TIME_S))
    with live_server(tmp_path_factory.mktemp("few"), "v7", options, items=["a"]) as server, ExitStack() as stack:
        address = ("127.0.0.1", server.grpc_port)
        begin = time.monotonic()
        held = [stack.enter_context(socket.create_connection(address, timeout=10)) for _ in range(4)]
        _await_end(held[3])
        assert time.monotonic() - begin < TIME_S
        for sock in held[:3]:  # they do not begin HTTP/2 in time
            _await_end(sock)
        assert time.monotonic() - begin > TIME_S / 2
        assert server.stub.ServerLive(pb.ServerLiveRequest(), timeout=10).live


def _await_end(sock: socket.socket) -> None:
    while sock.recv(1000):
        pass


def _never() -> Iterator[bytes]:
    time.sleep(TIME_S + 2)
    yield b""
