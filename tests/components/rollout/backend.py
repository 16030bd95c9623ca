"""A tiny server for Envoy's tests: `python -m tests.components.rollout.backend NAME HTTP_PORT GRPC_PORT [SLEEP_S]`.

It answers every POST and every RPC with its name, and GET (the readiness check) with 200; GET /seen reports how many
POSTs and RPCs came as copies (`shadow`) and otherwise (`split`). With SLEEP_S every POST and RPC takes so long.
"""

import json
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    name = b""
    sleep_s = 0.0
    counts: Counter[str] = Counter()

    def do_GET(self) -> None:
        self._answer(json.dumps(self.counts).encode() if self.path == "/seen" else self.name)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.work("x-aisle-shadow" in self.headers)
        self._answer(self.name)

    def log_message(self, *_: object) -> None:
        """Silent."""

    @classmethod
    def work(cls, shadow: bool) -> None:
        cls.counts["shadow" if shadow else "split"] += 1
        time.sleep(cls.sleep_s)

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _rpc(request: bytes, context: grpc.ServicerContext) -> bytes:
    details: Any = context.invocation_metadata()
    _Handler.work("x-aisle-shadow" in dict(details))
    return _Handler.name


class _AnyMethod(grpc.GenericRpcHandler):  # type: ignore[misc]
    def service(self, _: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        return grpc.unary_unary_rpc_method_handler(_rpc)


if __name__ == "__main__":
    _Handler.name = sys.argv[1].encode()
    _Handler.sleep_s = float(sys.argv[4]) if len(sys.argv) > 4 else 0.0
    rpc = grpc.server(ThreadPoolExecutor(2), handlers=[_AnyMethod()])
    rpc.add_insecure_port(f"127.0.0.1:{sys.argv[3]}")
    rpc.start()
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), _Handler).serve_forever()
