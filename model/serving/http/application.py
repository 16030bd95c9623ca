"""The HTTP application: inference, events, deletions, and the protocol's small questions. Plain ASGI, no framework.

It is called with whole requests that were admitted (model/serving/admission). Every refusal has the protocol's form,
one line in {"error"}. Decoding, encoding and the model are KServe's.
"""

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import orjson
from kserve.errors import InvalidInput, ModelNotFound, ModelNotReady
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.model_repository_extension import ModelRepositoryExtension
from prometheus_client import REGISTRY, exposition

from model.errors import InputError, StoreUnavailable
from model.serving.history.store import HistoryStore
from model.serving.http.events import CAUSES, MAX_IGNORED, MAX_REPORTED, parse_events
from model.serving.http.inference import JSON, LARGE, decoded, encoded
from model.serving.http.request import Message, Receive, Refusal, Request, body_of, unzipped
from model.serving.http.scopes import Access, Scope
from model.serving.http.shopper_path import PREFIX, shopper_of
from model.serving.predictor import NAME, Overloaded
from model.serving.telemetry import metrics

PATH = f"/v2/models/{NAME}/infer"
WRITERS = 4
"""Threads that write to a remote store; an embedded one has one writer at a time."""

Send = Callable[[Message], Awaitable[None]]

_MODEL = re.compile(r"/v2/models/([^/]+)(/versions/[^/]+)?(/ready|/infer)?")
_REPOSITORY = re.compile(r"/v2/repository/models/([^/]+)/(load|unload)")
_log = logging.getLogger(__name__)


Response = tuple[int, Mapping[str, str], bytes]
"""(status, headers beside the length, body)"""


class Application:
    """An ASGI application.

    Example:
        >>> async def sent(message):
        ...     print(message.get("status", message.get("body")))
        >>> async def received():
        ...     return {"type": "http.request", "body": b""}
        >>> scope = {"type": "http", "method": "HEAD", "path": "/v2/health/live", "headers": []}
        >>> asyncio.run(Application(None, None, None, 1000)(scope, received, sent))
        200
        b'{"live":true}'
    """

    def __init__(
        self,
        dataplane: DataPlane,
        repository: ModelRepositoryExtension,
        store: HistoryStore,
        max_body: int,
        sender_header: str = "",
        access: Access | None = None,
    ) -> None:
        """sender_header: names the client, set by a proxy; empty: there is none."""
        self._access = access or Access()
        self._sender_header = sender_header.lower()
        for cause in CAUSES:
            metrics.EVENTS_REFUSED.labels(cause)
        self._dataplane, self._repository, self._store, self._max_body = dataplane, repository, store, max_body
        self._parser = ThreadPoolExecutor(1, "parse")
        self._writer = ThreadPoolExecutor(WRITERS if getattr(store, "remote", False) else 1, "write")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        try:
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            self._check_access(scope, headers)
            body = await body_of(receive, self._max_body)
            request = Request(scope["method"], scope["path"], scope.get("raw_path", b""), headers, body)
            status, extra, content = await self._respond(request)
        except Exception as error:
            status, extra, content = _refused(error)
        metrics.of(metrics.ANSWERS, _endpoint(scope["path"]), str(status)).inc()
        pairs = [(name.encode(), value.encode()) for name, value in extra.items()]
        pairs.append((b"content-length", b"%d" % len(content)))
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": content})

    def _check_access(self, scope: Message, headers: Mapping[str, str]) -> None:
        path, port = scope["path"], (scope.get("server") or ("", 0))[1]
        needed = Scope.of(path)
        if needed is None:
            return  # a health check calls a server by whatever name it has for it
        if not self._access.knows(headers.get("host", "")):
            raise Refusal(421, f"host: not a name of this server, {headers.get('host', '')!r:.60}")
        if not self._access.gives(needed, port):
            raise Refusal(404, f"{path:.60}: not at this port")

    async def _respond(self, request: Request) -> Response:
        if request.path == PATH and request.method == "POST":
            return await self._infer(request)
        path, read = request.path, request.method in ("GET", "HEAD")
        if path == "/events" or path.startswith(PREFIX):
            method, answer = ("POST", self._events) if path == "/events" else ("DELETE", self._forget)
            if request.method != method:
                raise Refusal(405, f"{path:.40}: expected {method}, got {request.method:.20}", allow=method)
            return await answer(request)
        if (match := _REPOSITORY.fullmatch(path)) and request.method == "POST":
            await self._repository.load(match[1])
        if match := _MODEL.fullmatch(path):
            if match[2]:
                raise Refusal(501, "a model version in the path is not supported; the server has one")
            if match[3] != "/infer" and read:
                return await (self._ready if match[3] else self._metadata)(match[1])
            await self._dataplane.model_metadata(match[1])  # raises where there is no such model
            method = "POST" if match[3] == "/infer" else "GET"
            raise Refusal(405, f"{path:.60}: expected {method}, got {request.method:.20}", allow=method)
        if path == "/metrics" and read:
            encoder, kind = exposition.choose_encoder(request.headers.get("accept", ""))
            text = await asyncio.get_running_loop().run_in_executor(None, encoder, REGISTRY)
            return 200, {"content-type": kind}, text
        small = {
            "/": lambda: {"status": "alive"},
            "/v2": lambda: self._dataplane.metadata(),
            "/v2/health/live": lambda: {"live": True},
            "/v2/health/ready": lambda: {"ready": True},
            "/v2/models": lambda: {"models": [NAME]},
        }
        if path in small and read:
            return _json(200, small[path]())
        raise Refusal(404, f"{request.method:.20} {path:.60}: no such endpoint")

    async def _infer(self, request: Request) -> Response:
        headers = request.headers
        if len(request.body) > LARGE or "content-encoding" in headers:
            decode = partial(self._decoded, request)
            payload = await asyncio.get_running_loop().run_in_executor(self._parser, decode)
        else:
            payload = decoded(request.body, headers)
        response, _ = await self._dataplane.infer(NAME, payload, headers)
        body, extra = encoded(response)
        if "ce-specversion" in headers:  # an answer to an event is an event
            extra |= self._dataplane.encode(NAME, response, headers, {})[1]
        return 200, extra, body

    def _decoded(self, request: Request) -> Any:
        return decoded(unzipped(request, self._max_body), request.headers)

    async def _events(self, request: Request) -> Response:
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._append, request)

    def _append(self, request: Request) -> Response:
        """Takes the good events of a request, and names the bad ones."""
        now_s, sender = int(time.time()), request.headers.get(self._sender_header, "")
        incoming = parse_events(request.headers, unzipped(request, self._max_body), now_s, sender)
        for _, error in incoming.refused:
            metrics.of(metrics.EVENTS_REFUSED, error.cause).inc()
        errors = [{"index": number, "error": str(error)} for number, error in incoming.refused[:MAX_REPORTED]]
        if incoming.refused and not incoming.events:
            message = "event {index}: {error}".format(**errors[0])
            several = {"refused": len(incoming.refused), "errors": errors} if len(incoming.refused) > 1 else {}
            return _json(400, {"error": message} | several)
        try:
            added = self._store.append(incoming.events)
        except StoreUnavailable:
            metrics.of(metrics.EVENTS, "unavailable").inc(len(incoming.events))
            raise
        metrics.events_came([now_s - event.time_s for event in incoming.events], added, incoming.clamped)
        answer: dict[str, Any] = {"accepted": len(incoming.events), "added": added}
        if incoming.refused:
            answer |= {"refused": len(incoming.refused), "errors": errors}
        if incoming.ignored:
            answer["ignored"] = sorted(incoming.ignored)[:MAX_IGNORED]
        return _json(202, answer)

    async def _forget(self, request: Request) -> Response:
        user_id = shopper_of(request.raw_path)
        loop = asyncio.get_running_loop()
        return _json(200, {"deleted": await loop.run_in_executor(self._writer, self._store.delete, user_id)})

    async def _metadata(self, model: str) -> Response:
        return _json(200, await self._dataplane.model_metadata(model))

    async def _ready(self, model: str) -> Response:
        if not await self._dataplane.model_ready(model):
            raise ModelNotReady(model)
        return _json(200, {"name": model, "ready": True})


def _endpoint(path: str) -> str:
    """Its name in the metrics."""
    if path.endswith("/infer"):
        return "infer"
    first = path.split("/", 2)[1]
    return first if first in ("events", "shoppers", "metrics") else "other"


def _json(status: int, value: Any, **headers: str) -> Response:
    return status, {"content-type": JSON} | headers, orjson.dumps(value)


def _refused(error: Exception) -> Response:
    """The answer to what was raised."""
    message, headers = str(error), {}
    match error:
        case Refusal():
            status, headers = error.status, error.headers
        case InvalidInput() | InputError():
            status = 400
        case ModelNotFound():
            status = 404
        case Overloaded():
            status, message, headers = 503, str(error.details), {"retry-after": "1"}
        case StoreUnavailable() | ModelNotReady():
            status, headers = 503, {"retry-after": "1"}
        case _:
            _log.error("a request failed", exc_info=error)
            status, message = 500, f"{type(error).__name__}: {error}"
    return _json(status, {"error": " ".join(message.splitlines())}, **headers)
