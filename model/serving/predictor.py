"""The KServe model `aisle`: a v2 request becomes a shopper's history, and that an answer."""

import math
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import kserve
import numpy as np
from grpc_interceptor.exceptions import Unavailable
from kserve.errors import InvalidInput
from kserve.protocol.infer_type import InferOutput, to_http_parameters
from opentelemetry.trace import Span

from model import api
from model.api import Rung
from model.errors import InputError
from model.request_log.routing_headers import route_of
from model.serving.admission.gate import ARRIVAL, Cause
from model.serving.admission.limits import MAX_DEADLINE_MS, Limits
from model.serving.fallback.ladder import Ladder
from model.serving.fallback.served_model import ServedModel
from model.serving.history.lookup import State, StateReader
from model.serving.history.store import HistoryStore
from model.serving.model_request import model_request
from model.serving.request_log.writer import RequestLog, detail, row
from model.serving.telemetry import metrics, tracing
from model.serving.v2_inputs import INPUTS, NEW_SHELF, OUTPUTS, SHELF, Query, Tensor, parse
from model.system.cores import usable_cores

NAME = "aisle"
DEADLINE_HEADER = "x-deadline-ms"
DEADLINE_PARAMETER = "deadline_ms"
STATE_SHARE = 0.4
"""Share of the time left that the store may take."""


class Overloaded(Unavailable):
    """There is no room or no time for the request: 503 with Retry-After, or UNAVAILABLE."""


class Predictor(kserve.Model):
    """Serves one loaded model on top of one history store. Ready only once it is loaded and warm.

    Example:
        Before `load` it is not ready: KServe then answers 503.

        >>> from types import SimpleNamespace
        >>> Predictor(load_model=lambda: None, store=SimpleNamespace(remote=False)).ready
        False
    """

    def __init__(
        self,
        load_model: Callable[[], ServedModel],
        store: HistoryStore,
        log: RequestLog | None = None,
        limits: Limits | None = None,
    ) -> None:
        super().__init__(NAME)
        self._load_model = load_model
        self._state = StateReader(store)
        self._log = log
        self._limits = limits or Limits()
        self._ladder: Ladder

    @property
    def version(self) -> str:
        """Of the loaded model."""
        return self._ladder.model.version

    def load(self) -> bool:
        """Loads and warms up; raises what the loader raises, so that a refused model never becomes ready."""
        self._ladder = Ladder(self._load_model(), usable_cores())
        self._ladder.warm_up()
        metrics.begin(self._ladder.model.version, self._limits.max_in_flight)
        self.ready = True
        return True

    def close(self) -> None:
        """Waits for the threads; call it when no more requests can come."""
        self._state.close()
        self._ladder.close()

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
        """One answer within the deadline, from whichever rung of the ladder there is time for.

        Raises:
            InvalidInput: bad input (400, INVALID_ARGUMENT).
            Overloaded: its deadline was over before its turn came (503, UNAVAILABLE).
        """
        try:
            with tracing.request(headers or {}) as span:
                return await self._answer(payload, headers or {}, span)
        except InputError as error:
            metrics.of(metrics.REQUESTS, self.version, "bad_request", "").inc()
            raise InvalidInput(str(error)) from None
        except Overloaded:
            metrics.of(metrics.REFUSED, Cause.LATE).inc()
            metrics.of(metrics.REQUESTS, self.version, "shed", "").inc()
            raise
        except Exception:
            metrics.of(metrics.REQUESTS, self.version, "error", "").inc()
            raise

    async def _answer(
        self, payload: kserve.InferRequest, headers: Mapping[str, str], span: Span
    ) -> kserve.InferResponse:
        now, version = time.perf_counter(), self.version
        begin = ARRIVAL.get(now)
        request_id = _request_id(payload, headers)
        allowed_s = _deadline_ms(payload, headers, self._limits.deadline_ms) / 1000
        if now - begin > allowed_s:
            raise Overloaded("overloaded: the deadline was over before there was time to answer; come back in a second")
        query = parse(payload.inputs, int(time.time()))
        wanted = _wanted(payload, query)
        detailed = self._log is not None and self._log.detailed(request_id)
        answer, rung, state, query = await self.recommend(query, begin + allowed_s, detailed)
        seconds = time.perf_counter() - begin
        route = route_of(headers, query.user_id)
        if route != "probe":
            metrics.count(version, query, state, answer, rung, seconds)
        if self._log is not None and route != "probe":
            logged = row(request_id, version, query, state, answer, rung, seconds, route)
            self._log.write(logged | detail(state, answer) if detailed else logged)
        identity = {"model_version": version, "request_id": request_id, "rung": str(rung), "state": str(state.source)}
        span.set_attributes({f"aisle.{name}": value for name, value in identity.items()})
        return _response(payload, identity, answer, wanted)

    async def recommend(
        self, query: Query, deadline: float, detailed: bool = False
    ) -> tuple[api.Answer, Rung, State, Query]:
        """The answer by `deadline`, a reading of time.perf_counter; its rung, the state it is made from, and the query
        as answered: at the moment of that state, without what was bought before its first event where new items are
        asked for.

        detailed: the answer also reports what was ranked.
        """
        begin, version = time.perf_counter(), self._ladder.model.version
        state = await self._state.read(query, STATE_SHARE * max(deadline - begin, 0))
        seconds = time.perf_counter() - begin
        metrics.of(metrics.STAGE_SECONDS, version, "state").observe(seconds)
        tracing.stage_of(tracing.parent(), "state", seconds)
        query, request = model_request(query, state, self._ladder.model.new_only, detailed)
        self._ladder.model.check(request)
        answer, rung = await self._ladder.answer(request, deadline)
        return answer, rung, state, query


class Column(InferOutput):
    """An output that goes into JSON as it is: KServe checks and copies element by element.

    Example:
        >>> column = Column(name="score", datatype="FP32", shape=[1], data=np.array([0.5], np.float32))
        >>> column.set_data_from_numpy(column.data, binary_data=False)
        >>> column.data
        [0.5]
    """

    def set_data_from_numpy(self, output_tensor: np.ndarray, binary_data: bool = True) -> None:
        if binary_data:
            super().set_data_from_numpy(output_tensor, binary_data)
        else:
            self.data = output_tensor.tolist()


def _deadline_ms(payload: kserve.InferRequest, headers: Mapping[str, str], default: float) -> float:
    """The request's parameter, else its header, else the server's default, milliseconds; raises InputError."""
    value: Any = headers.get(DEADLINE_HEADER, default)
    if payload.parameters:
        if not isinstance(payload.parameters, Mapping):
            raise InputError(f"parameters: expected an object, got {payload.parameters!r:.40}")
        value = to_http_parameters(payload.parameters).get(DEADLINE_PARAMETER, value)
    try:
        milliseconds = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        milliseconds = math.nan
    if not 1 <= milliseconds <= MAX_DEADLINE_MS:
        raise InputError(f"{DEADLINE_PARAMETER}: expected 1 to {MAX_DEADLINE_MS:.0f} milliseconds, got {value!r:.40}")
    return milliseconds


def _request_id(payload: kserve.InferRequest, headers: Mapping[str, str]) -> str:
    """The v2 id, else the Ce-Id header (KServe's logger joins outcomes by it), else a new one."""
    request_id = payload.id or headers.get("ce-id") or str(uuid.uuid4())
    if len(request_id) > 256:
        raise InputError(f"id: expected at most 256 characters, got {len(request_id)}")
    return request_id


def _wanted(payload: kserve.InferRequest, query: Query) -> Sequence[Tensor]:
    """The outputs asked for, in that order, all when none is named; raises InputError on one that there is not."""
    there = OUTPUTS if query.k_new else SHELF
    by_name = {tensor.name: tensor for tensor in there}
    names = dict.fromkeys(output.name for output in payload.request_outputs or ())
    if unknown := sorted(str(name) for name in names if name not in by_name):
        others = "" if query.k_new else f"; with k_new {', '.join(tensor.name for tensor in NEW_SHELF)} too"
        listed = ", ".join(tensor.name for tensor in there)
        raise InputError(f"output {unknown[0]!r:.40}: unknown; the model gives {listed}{others}")
    return [by_name[name] for name in names] if names else there


def _columns(answer: api.Answer) -> dict[str, np.ndarray]:
    """{name: [k] values} of one shelf."""
    return {
        "item_id": np.array(answer.item_ids, dtype=np.object_),
        "score": np.array(answer.scores, dtype=np.float32),
        "reason": np.array(answer.reasons, dtype=np.object_),
    }


def _response(
    payload: kserve.InferRequest, identity: dict[str, str], answer: api.Answer, wanted: Sequence[Tensor]
) -> kserve.InferResponse:
    columns = _columns(answer)
    if answer.new is not None:
        columns |= {f"new_{name}": column for name, column in _columns(answer.new).items()}
    outputs = [
        # A gRPC client that sent typed contents gets typed contents back; kserve would send arrays as raw bytes.
        Column(
            name=tensor.name,
            datatype=tensor.datatype,
            shape=[len(columns[tensor.name])],
            data=columns[tensor.name].tolist() if payload.from_grpc else columns[tensor.name],
        )
        for tensor in wanted
    ]
    return kserve.InferResponse(
        response_id=identity["request_id"],
        model_name=NAME,
        model_version=identity["model_version"],
        infer_outputs=outputs,
        parameters=identity,
        use_binary_outputs=payload.use_binary_outputs,
        requested_outputs=payload.request_outputs,
    )
