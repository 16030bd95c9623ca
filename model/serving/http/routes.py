"""HTTP endpoints beside inference: purchases come in (POST /events), a shopper is forgotten (DELETE /shoppers/ID)."""

import time
from collections.abc import Callable, Mapping
from typing import Any

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
    """Adds both; every refusal, FastAPI's own too, is reported as in the protocol, {"error"}.

    Bad input is a 400. A store that cannot be had and Overloaded are a 503 with Retry-After.
    """

    async def post_events(request: Request) -> JSONResponse:
        now_s = int(time.time())
        events, ignored = parse_events(request.headers, await request.body(), now_s)
        try:
            added = await run_in_threadpool(store.append, events)
        except StoreUnavailable:
            metrics.EVENTS.labels("unavailable").inc(len(events))
            raise
        metrics.events_came([now_s - event.time_s for event in events], added)
        accepted = {"accepted": len(events), "added": added} | ({"ignored": ignored} if ignored else {})
        return JSONResponse(accepted, status_code=202)

    async def delete_shopper(request: Request) -> JSONResponse:
        deleted = await run_in_threadpool(store.delete, request.path_params["user_id"])
        return JSONResponse({"deleted": deleted})

    def report(kind: type[Exception], answer: Callable[[Any], tuple[int, str, Mapping[str, str] | None]]) -> None:
        async def handler(_: Request, error: Exception) -> JSONResponse:
            status, message, headers = answer(error)
            return JSONResponse({"error": message}, status_code=status, headers=headers)

        app.add_exception_handler(kind, handler)

    app.add_api_route("/events", post_events, methods=["POST"], response_model=None)
    app.add_api_route("/shoppers/{user_id:path}", delete_shopper, methods=["DELETE"], response_model=None)
    report(InputError, lambda error: (400, str(error), None))
    report(StoreUnavailable, lambda error: (503, str(error), _RETRY))
    report(RequestValidationError, lambda error: (400, first_fault(error.errors()), None))
    report(HTTPException, lambda error: (error.status_code, str(error.detail), error.headers))
    report(Overloaded, lambda error: (503, str(error.details), _RETRY))
