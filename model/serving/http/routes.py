"""HTTP endpoints beside inference: purchases come in (POST /events), a shopper is forgotten (DELETE /shoppers/ID)."""

import time
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from model.errors import InputError, StoreUnavailable
from model.serving.history.store import HistoryStore
from model.serving.http.events import parse_events
from model.serving.http.rest import first_fault
from model.serving.predictor import Overloaded
from model.serving.telemetry import metrics

_RETRY = {"Retry-After": "1"}
"""Seconds."""


def add_routes(app: FastAPI, store: HistoryStore) -> None:
    """Adds both; what FastAPI itself refuses is reported as in the protocol, {"error"}, and Overloaded is a 503."""

    async def post_events(request: Request) -> JSONResponse:
        now_s = int(time.time())
        events = parse_events(request.headers, await request.body(), now_s)
        try:
            added = await run_in_threadpool(store.append, events)
        except StoreUnavailable:
            metrics.EVENTS.labels("unavailable").inc(len(events))
            raise
        metrics.events_came([now_s - event.time_s for event in events], added)
        return JSONResponse({"accepted": len(events), "added": added}, status_code=202)

    async def delete_shopper(request: Request) -> JSONResponse:
        deleted = await run_in_threadpool(store.delete, request.path_params["user_id"])
        return JSONResponse({"deleted": deleted})

    async def bad_body(_: Request, error: RequestValidationError) -> JSONResponse:
        return JSONResponse({"error": first_fault(error.errors())}, status_code=400)

    async def refused(_: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse({"error": str(error.detail)}, status_code=error.status_code, headers=error.headers)

    async def overloaded(_: Request, error: Overloaded) -> JSONResponse:
        return JSONResponse({"error": error.details}, status_code=503, headers=_RETRY)

    app.add_api_route("/events", _answered(post_events), methods=["POST"], response_model=None)
    app.add_api_route("/shoppers/{user_id:path}", _answered(delete_shopper), methods=["DELETE"], response_model=None)
    app.add_exception_handler(RequestValidationError, bad_body)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, refused)  # type: ignore[arg-type]
    app.add_exception_handler(Overloaded, overloaded)  # type: ignore[arg-type]


def _answered(handler: Callable[[Request], Awaitable[JSONResponse]]) -> Callable[[Request], Awaitable[JSONResponse]]:
    """The handler, with 400 for bad input and 503 while the store cannot be had."""

    async def answer(request: Request) -> JSONResponse:
        try:
            return await handler(request)
        except InputError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        except StoreUnavailable as error:
            return JSONResponse({"error": str(error)}, status_code=503, headers=_RETRY)

    return answer
