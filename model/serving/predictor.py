"""The KServe model `aisle`: a v2 request becomes a shopper's history, and that an answer."""

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import kserve
import numpy as np
from kserve.errors import InvalidInput
from kserve.protocol.infer_type import InferOutput
from prometheus_client import Counter, Histogram

from model import api
from model.errors import InputError
from model.serving.history import HistoryStore
from model.serving.inputs import INPUTS, OUTPUTS, Query, parse
from model.serving.request_log import RequestLog

NAME = "aisle"
THREADS = 4
WARM_UP_HISTORIES = (0, 1, 100, 1000)
"""Lengths of the made-up histories that load() recommends for, in every thread, before the model is ready."""

REQUESTS = Counter("aisle_requests_total", "Inference requests by version and outcome.", ("version", "outcome"))
SECONDS = Histogram(
    "aisle_request_seconds",
    "Time from a request's arrival in the predictor to its answer, seconds.",
    ("version",),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)


class Predictor(kserve.Model):
    """Serves one loaded model on top of one history store. Ready only once it is loaded and warm."""

    def __init__(self, load_model: Callable[[], api.Model], store: HistoryStore, log: RequestLog | None = None) -> None:
        super().__init__(NAME)
        self._load_model = load_model
        self._store = store
        self._log = log
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="predict")
        self._model: api.Model

    def load(self) -> bool:
        """Loads and warms up; raises what the loader raises, so that a refused model never becomes ready."""
        self._model = self._load_model()
        for _ in self._pool.map(self._warm_up, WARM_UP_HISTORIES * THREADS):
            pass
        self.ready = True
        return True

    def get_input_types(self) -> list[dict[str, Any]]:
        return [tensor.metadata() for tensor in INPUTS]

    def get_output_types(self) -> list[dict[str, Any]]:
        return [tensor.metadata() for tensor in OUTPUTS]

    async def predict(
        self,
        payload: kserve.InferRequest,
        headers: Mapping[str, str] | None = None,
        response_headers: dict[str, str] | None = None,
    ) -> kserve.InferResponse:
        """One answer; bad input raises InvalidInput (400, INVALID_ARGUMENT). The work is done off the event loop."""
        begin = time.perf_counter()
        version = self._model.version
        try:
            if not isinstance(payload, kserve.InferRequest):
                raise InputError(f"expected the v2 protocol; use /v2/models/{NAME}/infer")
            request_id = _request_id(payload, headers or {})
            query = parse(payload.inputs, int(time.time()))
            answer = await asyncio.get_running_loop().run_in_executor(self._pool, self._answer, query)
        except InputError as error:
            REQUESTS.labels(version, "bad_request").inc()
            raise InvalidInput(str(error)) from None
        except Exception:
            REQUESTS.labels(version, "error").inc()
            raise
        seconds = time.perf_counter() - begin
        REQUESTS.labels(version, "ok").inc()
        SECONDS.labels(version).observe(seconds)
        if self._log is not None:
            self._log.write(_record(request_id, version, query, answer, seconds))
        return _response(payload, request_id, version, answer)

    def _warm_up(self, length: int) -> None:
        now_s = int(time.time())
        request = api.Request(
            user_id="warm-up",
            time_s=now_s,
            history_item=["warm-up"] * length,
            history_time=np.arange(now_s - length, now_s, dtype=np.int64),
        )
        self._model.recommend([request])

    def _answer(self, query: Query) -> api.Answer:
        items, times = self._store.history(query.user_id, query.time_s)
        if not items and query.recent_items:
            items = list(query.recent_items)
            times = np.arange(query.time_s - len(items), query.time_s, dtype=np.int64)
        request = api.Request(
            user_id=query.user_id,
            time_s=query.time_s,
            history_item=items,
            history_time=times,
            store_id=query.store_id,
            k=query.k,
            exclude=query.exclude,
        )
        return self._model.recommend([request])[0]


def _request_id(payload: kserve.InferRequest, headers: Mapping[str, str]) -> str:
    """The v2 id, else the Ce-Id header (KServe's logger joins outcomes by it), else a new one."""
    given = payload.id or headers.get("ce-id") or str(uuid.uuid4())
    if len(given) > 256:
        raise InputError(f"id: expected at most 256 characters, got {len(given)}")
    return given


def _response(payload: kserve.InferRequest, request_id: str, version: str, answer: api.Answer) -> kserve.InferResponse:
    columns = {
        "item_id": np.array(answer.item_ids, dtype=np.object_),
        "score": np.array(answer.scores, dtype=np.float32),
        "reason": np.array(answer.reasons, dtype=np.object_),
    }
    outputs = [
        # A gRPC client that sent typed contents gets typed contents back; kserve would send arrays as raw bytes.
        InferOutput(
            name=tensor.name,
            datatype=tensor.datatype,
            shape=[len(answer.item_ids)],
            data=columns[tensor.name].tolist() if payload.from_grpc else columns[tensor.name],
        )
        for tensor in OUTPUTS
    ]
    return kserve.InferResponse(
        response_id=request_id,
        model_name=NAME,
        model_version=version,
        infer_outputs=outputs,
        parameters={"model_version": version, "request_id": request_id},
        use_binary_outputs=payload.use_binary_outputs,
        requested_outputs=payload.request_outputs,
    )


def _record(request_id: str, version: str, query: Query, answer: api.Answer, seconds: float) -> dict[str, Any]:
    record: dict[str, Any] = {
        "request_id": request_id,
        "version": version,
        "user_id": query.user_id,
        "time_s": query.time_s,
        "store_id": query.store_id,
        "k": query.k,
        "item_ids": answer.item_ids,
        "scores": answer.scores,
        "reasons": answer.reasons,
        "latency_ms": round(seconds * 1000, 3),
        "logged_s": round(time.time(), 3),
    }
    return record | ({"propensities": answer.propensities} if answer.propensities else {})
