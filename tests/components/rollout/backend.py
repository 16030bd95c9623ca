"""A tiny server for Envoy's tests: `python -m tests.components.rollout.backend NAME HTTP_PORT GRPC_PORT`.

It answers every POST and every RPC with its name, and GET (the readiness check) with 200.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    name = b""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self._answer()

    def log_message(self, *_: object) -> None:
        """Silent."""

    def _answer(self) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(self.name)))
        self.end_headers()
        self.wfile.write(self.name)


class _AnyMethod(grpc.GenericRpcHandler):  # type: ignore[misc]
    def service(self, _: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        return grpc.unary_unary_rpc_method_handler(lambda request, context: _Handler.name)


if __name__ == "__main__":
    _Handler.name = sys.argv[1].encode()
    rpc = grpc.server(ThreadPoolExecutor(2), handlers=[_AnyMethod()])
    rpc.add_insecure_port(f"127.0.0.1:{sys.argv[3]}")
    rpc.start()
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), _Handler).serve_forever()
