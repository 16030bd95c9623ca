"""`python -m model.serving.server`: one KServe model server process with one model, live state and the events endpoint.

SIGTERM drains: no new connections, requests in flight are answered, then the log and the store are closed.
"""

import argparse
import asyncio
import gc
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import kserve
import kserve.model_server
import uvloop
from kserve.errors import InvalidInput, ModelNotFound
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.model_repository_extension import ModelRepositoryExtension

from model.errors import AisleError
from model.serving.fallback.rungs import ServedModel
from model.serving.history.open_store import open_store
from model.serving.http.loopback import bind_to_loopback
from model.serving.http.rest import BINARY_HEADER, ShortWayServer
from model.serving.http.routes import add_routes
from model.serving.predictor import Limits, Overloaded, Predictor
from model.serving.request_log.writer import LogOptions, RequestLog
from model.serving.telemetry import metrics, tracing
from model.system.process_lifetime import die_with_parent

GRACE_S = 10


@dataclass(frozen=True, kw_only=True)
class ServerOptions:
    """What one server process depends on."""

    model_dir: Path
    store: str
    """`lmdb:PATH`, a path, or `redis://host:port/database`."""
    http_port: int
    grpc_port: int
    host_loopback: bool
    request_log: Path | None
    """Directory of the request log; None for no log."""
    max_history: int
    """Events kept for each shopper; the same in all servers that share the store."""
    limits: Limits
    log: LogOptions
    redis_password: str | None = None
    """Where the store's url has none: an argument could be read in the process list."""
    rules: Path | None = None
    """Rules file that takes the place of the model's own rules; read again when it changes."""


def main(argv: Sequence[str] | None = None, load_model: Callable[[Path], ServedModel] | None = None) -> int:
    """Serves until SIGTERM or SIGINT. Returns 0; 1 or 2 with one line on stderr when it could not start."""
    try:
        options = _options(argv)
        with tracing.exporting():
            run(options, load_model or (lambda directory: _load_package(directory, options.rules)))
    except AisleError as error:
        print(f"aisle server: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def run(options: ServerOptions, load_model: Callable[[Path], ServedModel]) -> None:
    """Loads, warms up, then listens; raises what loading raises before any port is open."""
    store = open_store(options.store, options.max_history, options.redis_password)
    log = RequestLog(options.request_log, options.log) if options.request_log else None
    try:
        predictor = Predictor(lambda: load_model(options.model_dir), store, log, options.limits)
        predictor.load()
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
    """KServe lets any client unload the model; here none can: to change the model, replace the server."""

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
    from model.package.loaded_model import load
    from model.serving.telemetry.threads import one_thread_each

    one_thread_each()
    model = load(directory, rules, stage_took)
    metrics.MODEL_CUT.labels(model.version).set(model.manifest.cut_s)
    return model


def stage_took(version: str, stage: str, seconds: float) -> None:
    """model.package.loaded_model.OnStage."""
    metrics.stage_took(version, stage, seconds)
    tracing.took(stage, seconds)


def _options(argv: Sequence[str] | None) -> ServerOptions:
    parser = argparse.ArgumentParser(prog="python -m model.serving.server", description=__doc__)
    parser.add_argument("--model-dir", type=Path, required=True, help="a pushed model directory")
    parser.add_argument(
        "--store",
        required=True,
        help="live state: lmdb:PATH or a plain path, or redis://host:port/database (its password in REDIS_PASSWORD)",
    )
    parser.add_argument("--http-port", type=int, default=8080)
    parser.add_argument("--grpc-port", type=int, default=8081)
    parser.add_argument("--host-loopback", action="store_true", help="listen on 127.0.0.1 only")
    parser.add_argument("--request-log", type=Path, metavar="DIR", help="where a row for each answer is kept")
    parser.add_argument(
        "--log-detail-percent",
        type=float,
        default=LogOptions.detail_percent,
        help="share of rows with history, candidates",
    )
    parser.add_argument(
        "--log-roll-rows", type=int, default=LogOptions.roll_rows, help="rows of one file of the request log"
    )
    parser.add_argument(
        "--log-roll-s", type=float, default=LogOptions.roll_s, help="seconds until a file is finished though shorter"
    )
    parser.add_argument(
        "--log-keep-mb",
        type=float,
        metavar="MB",
        help="what of the log may wait for a shipper; beyond it the oldest files are given up (default: all stay)",
    )
    parser.add_argument("--rules", type=Path, help="rules file that takes the place of the model's own rules")
    parser.add_argument("--max-history", type=int, default=2048, help="events kept for each shopper")
    parser.add_argument("--deadline-ms", type=float, default=50.0, help="time for a request that names none")
    parser.add_argument("--max-in-flight", type=int, default=64, help="requests answered at a time; more get a 503")
    parser.add_argument("--die-with-parent", type=int, metavar="PID", help="end when the parent process, PID, ends")
    options = vars(parser.parse_args(argv))
    parent_pid = options.pop("die_with_parent")
    if parent_pid is not None:
        die_with_parent(parent_pid)
    limits = Limits(deadline_ms=options.pop("deadline_ms"), max_in_flight=options.pop("max_in_flight"))
    log = LogOptions(
        **{name: options.pop(f"log_{name}") for name in ("detail_percent", "roll_rows", "roll_s", "keep_mb")}
    )
    return ServerOptions(**options, limits=limits, log=log, redis_password=os.environ.get("REDIS_PASSWORD"))


if __name__ == "__main__":
    sys.exit(main())
