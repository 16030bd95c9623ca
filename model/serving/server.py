"""`python -m model.serving.server`: one KServe model server process with one model, live state and the events endpoint.

SIGTERM drains: no new connections, requests in flight are answered, then the log and the store are closed.
"""

import asyncio
import gc
import logging
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import kserve
import kserve.model_server
import uvloop
from kserve.errors import InvalidInput, ModelNotFound
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.model_repository_extension import ModelRepositoryExtension
from threadpoolctl import threadpool_limits

from model.errors import AisleError, ModelRefused
from model.kernels.processor import check_processor
from model.serving.fallback.ladder import ServedModel
from model.serving.history.store import open_store
from model.serving.http.loopback import bind_to_loopback
from model.serving.http.rest import BINARY_HEADER, ShortWayServer
from model.serving.http.routes import add_routes
from model.serving.predictor import Limits, Overloaded, Predictor
from model.serving.request_log.writer import LogOptions, RequestLog
from model.serving.telemetry import metrics, tracing
from model.system.memory import give_back, keep_small
from model.system.process_lifetime import die_with_parent
from model.system.program_options import parse_options

GRACE_S = 10
POD = "POD_NAME"
"""Variable with the name of the pod, which KServe makes of the declared version (manifests/base/runtime.yaml)."""
_DECLARED = re.compile(r"-v([0-9a-z]+)-predictor(?:-|$)")
"""In the name of a pod: the digest of a version (components/inference_service/traffic.py)."""


class ServerOptions(Limits):
    """What one server process depends on.

    Example:
        >>> ServerOptions(model_dir=Path("model"), store="lmdb:store").deadline_ms
        50.0
    """

    model_dir: Path
    """A pushed model directory. One that is named after a version has to hold that one."""
    store: str
    """Live state: lmdb:PATH or a plain path, or redis://host:port/database, its password in REDIS_PASSWORD: an argument
    could be read in the process list."""
    http_port: int = 8080
    """Port of the REST server."""
    grpc_port: int = 8081
    """Port of the gRPC server."""
    host_loopback: bool = False
    """Listen on 127.0.0.1 only."""
    request_log: Path | None = None
    """Directory for a row for each answer; none: no log."""
    log: LogOptions = LogOptions()
    max_history: int = 2048
    """Events stored for each shopper; the same in all servers that share the store."""
    rules: Path | None = None
    """Rules file that takes the place of the model's own rules; read again when it changes."""
    die_with_parent: int | None = None
    """End when the parent process, of this PID, ends."""


def main(argv: Sequence[str] | None = None, load_model: Callable[[Path], ServedModel] | None = None) -> int:
    """Serves until SIGTERM or SIGINT. Returns 0; 1 or 2 with one line on stderr when it could not start."""
    try:
        check_processor()
        options = parse_options(ServerOptions, "model.serving.server", __doc__, argv)
        if options.die_with_parent is not None:
            die_with_parent(options.die_with_parent)
        with tracing.exporting():
            run(options, load_model or (lambda directory: _load_package(directory, options.rules)))
    except AisleError as error:
        print(f"aisle server: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def run(options: ServerOptions, load_model: Callable[[Path], ServedModel]) -> None:
    """Loads, warms up, then listens; raises what loading raises before any port is open."""
    keep_small()
    store = open_store(options.store, options.max_history, os.environ.get("REDIS_PASSWORD"))
    log = RequestLog(options.request_log, options.log) if options.request_log else None
    try:
        predictor = Predictor(lambda: load_model(options.model_dir), store, log, options)
        predictor.load()
        gc.collect()
        give_back()
        gc.freeze()  # what is loaded stays: a collection that walked it would stop all requests meanwhile
        uvloop.install()  # less CPU a request than asyncio's own loop
        asyncio.set_event_loop(asyncio.new_event_loop())  # uvloop makes none by itself, and KServe asks for one
        kserve.model_server.RESTServer = ShortWayServer  # looked up there by name
        if options.host_loopback:
            bind_to_loopback()
        server = kserve.ModelServer(
            http_port=options.http_port,
            grpc_port=options.grpc_port,
            workers=1,
            enable_latency_logging=False,
            grace_period=GRACE_S,
        )
        server.dataplane = StrictDataPlane(model_registry=server.registered_models)
        server.model_repository_extension = FixedRepository(model_registry=server.registered_models)
        _quieten()
        add_routes(kserve.model_server.app, store)
        server.start([predictor])
        predictor.close()
    finally:
        if log is not None:
            log.close()
        store.close()


class StrictDataPlane(DataPlane):
    """KServe's data plane, with 400 where a malformed binary body would make it answer 500, and with JSON taken for
    JSON where the content type does not declare it (Triton's client sends none; the protocol asks for none).

    Example:
        >>> plane = StrictDataPlane(model_registry=kserve.ModelRepository())
        >>> plane.decode_inference_request(b"{", {}, "aisle")
        Traceback (most recent call last):
        kserve.errors.InvalidInput: ...
    """

    def decode_inference_request(self, body, headers, model_name):  # type: ignore[no-untyped-def]
        if isinstance(body, bytes) and BINARY_HEADER not in headers:
            headers = headers | {BINARY_HEADER: str(len(body))}
        try:
            return super().decode_inference_request(body, headers, model_name)
        except InvalidInput:
            raise
        except Exception as error:
            raise InvalidInput(f"body: not a v2 request ({type(error).__name__}: {error!s:.80})") from None


class FixedRepository(ModelRepositoryExtension):
    """KServe lets any client unload the model; here none can: to change the model, replace the server.

    Example:
        >>> repository = FixedRepository(model_registry=kserve.ModelRepository())
        >>> asyncio.run(repository.unload("aisle"))
        Traceback (most recent call last):
        kserve.errors.InvalidInput: model aisle: this server's model is fixed; roll out another server instead
    """

    async def load(self, model_name: str) -> None:
        raise InvalidInput(f"model {model_name}: this server's model is fixed; roll out another server instead")

    unload = load


def _quieten() -> None:
    """No line for each request, and no traceback for a client's mistake."""

    def ours(record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, InvalidInput | ModelNotFound | Overloaded)

    for name in ("kserve", "kserve.trace", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("kserve").addFilter(ours)


def _load_package(directory: Path, rules: Path | None) -> ServedModel:
    """Loads it for one thread for each piece of work: the batcher's threads are the parallelism of a server.

    BLAS and OpenMP would otherwise spread each small piece over all cores, and OpenBLAS lets its threads spin between
    pieces: half of the CPU of a request on two cores.
    """
    from model.package.loaded_model import load

    threadpool_limits(limits=1)
    model = load(directory, rules, stage_took)
    check_declared(os.environ.get(POD, ""), model.version)
    metrics.MODEL_CUT.labels(model.version).set(model.manifest.cut_s)
    return model


def check_declared(pod: str, version: str) -> None:
    """Raises ModelRefused where the pod's name has the digest of another version.

    Example:
        >>> check_declared("aisle-v0123abcd-predictor-7d4f-x2x", "2020-01-06-0123abcd")
        >>> check_declared("laptop", "2020-01-06-0123abcd")
    """
    declared = _DECLARED.search(pod)
    if declared is not None and declared[1] != version.rsplit("-", 1)[-1]:
        raise ModelRefused(f"expected the model that pod {pod} was declared with, got {version}; see its storageUri")


def stage_took(version: str, stage: str, seconds: float) -> None:
    """model.package.loaded_model.OnStage."""
    metrics.of(metrics.STAGE_SECONDS, version, stage).observe(seconds)
    tracing.took(stage, seconds)


if __name__ == "__main__":
    sys.exit(main())
