"""The short way to an answer over REST: bytes in, KServe's model, bytes out.

KServe's own way leads through FastAPI: routing, middlewares, and two validations of the answer, which take more CPU
than the ranking of a batch's share (docs/serving.md). `ShortWay` wraps the application and takes inference
requests alone; everything else, and inference requests that are CloudEvents, goes on to it. Decoding, encoding and the
model are KServe's on both ways, and so are the answers.
"""

import logging
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

import kserve.model_server
import orjson
from kserve.errors import InvalidInput
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.rest.server import RESTServer
from kserve.protocol.rest.v2_datamodels import InferenceRequest
from pydantic import ValidationError

from model.serving.predictor import NAME, Overloaded

PATH = f"/v2/models/{NAME}/infer"
BINARY_HEADER = "inference-header-content-length"
"""Bytes of JSON before the binary tensors; without it, a body is JSON alone."""
MAX_BODY = 4 << 20
"""Bytes; all that a valid request can hold is less."""
JSON, BINARY = b"application/json", b"application/octet-stream"

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

_log = logging.getLogger(__name__)


class ShortWayServer(RESTServer):
    """KServe's REST server with the short way before its application."""

    def create_application(self) -> None:
        """As RESTServer.create_application; what uvicorn then serves is no longer a name but the application itself."""
        super().create_application()
        self.config.app = ShortWay(kserve.model_server.app, self.dataplane)


class ShortWay:
    """An ASGI application around another."""

    def __init__(self, application: Application, dataplane: DataPlane) -> None:
        self._application, self._dataplane = application, dataplane

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._application(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if "ce-specversion" in headers or "cloudevents" in headers.get("content-type", ""):
            await self._application(scope, receive, send)
            return
        status, extra, body = await self._answer(headers, receive)
        kind = BINARY if BINARY_HEADER.encode() in extra else JSON
        response_headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), *extra.items()]
        await send({"type": "http.response.start", "status": status, "headers": response_headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, headers: dict[str, str], receive: Receive) -> tuple[int, dict[bytes, bytes], bytes]:
        """(status, headers beside type and length, body)"""
        try:
            body = await _body(receive)
            request: Any = body if BINARY_HEADER in headers else InferenceRequest.model_validate_json(body)
            response, _ = await self._dataplane.infer(
                NAME, self._dataplane.decode_inference_request(request, headers, NAME), headers
            )
            content, json_size = response.to_rest()
        except ValidationError as error:
            return _error(400, first_fault(error.errors(), "body"))
        except InvalidInput as error:
            return _error(400, str(error))
        except Overloaded as error:
            status, extra, body = _error(503, str(error.details))
            return status, extra | {b"retry-after": b"1"}, body
        except Exception as error:
            _log.exception("a request failed")
            return _error(500, f"{type(error).__name__}: {error}")
        if json_size is None:
            return 200, {}, orjson.dumps(content)
        return 200, {BINARY_HEADER.encode(): str(json_size).encode()}, content


async def _body(receive: Receive) -> bytes:
    """The whole body; raises InvalidInput where it is too long or the client has gone."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise InvalidInput("body: expected all of it, got a part; the client went away")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY:
            raise InvalidInput(f"body: expected at most {MAX_BODY:,} bytes, got more; send fewer items")
        if not message.get("more_body", False):
            return b"".join(parts)


def first_fault(errors: Sequence[Any], *inside: str) -> str:
    """One line on the first of pydantic's errors: where, below `inside`, and what."""
    first = errors[0]
    return f"{'.'.join([*inside, *map(str, first['loc'])])}: {first['msg']}"


def _error(status: int, message: str) -> tuple[int, dict[bytes, bytes], bytes]:
    return status, {}, orjson.dumps({"error": message})
