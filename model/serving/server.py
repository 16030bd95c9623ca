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
from functools import partial
from pathlib import Path
from typing import Any

import kserve
import kserve.model_server
import uvloop
from kserve.errors import InvalidInput, ModelNotFound
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.model_repository_extension import ModelRepositoryExtension
from threadpoolctl import threadpool_limits

from model.errors import AisleError, InputError, ModelRefused
from model.kernels.processor import check_processor
from model.serving.admission.gate import Gate
from model.serving.admission.limits import Limits
from model.serving.fallback.served_model import ServedModel
from model.serving.grpc_server import GrpcServer
from model.serving.history.store import open_store
from model.serving.http.application import Application
from model.serving.http.rest import RestServer
from model.serving.http.scopes import LOOPBACK_HOSTS, Access, Scope
from model.serving.predictor import Overloaded, Predictor
from model.serving.request_log.writer import LogOptions, RequestLog
from model.serving.telemetry import metrics, tracing
from model.system.memory import give_back, keep_small
from model.system.process_lifetime import die_with_parent
from model.system.program_options import parse_options
from tfx_configs.version import VERSION

GRACE_S = 10
POD = "POD_NAME"
"""Variable with the name of the pod, which KServe makes of the declared version (manifests/base/runtime.yaml)."""
_DECLARED = re.compile(r"-v([0-9a-z]+)-predictor(?:-|$)")
"""In the name of a pod: the digest of a version (components/inference_service/traffic.py)."""
SWITCH_S = 0.001
"""Longest wait for the interpreter of a thread that has something to do: the event loop's, behind those that rank or
take in events. Python's own 5 ms are a tenth of the deadline."""


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
    write_port: int | None = None
    """Port for events alone, which are then not at the REST server's; none: they are."""
    erase_port: int | None = None
    """The same for deletions of shoppers."""
    metrics_port: int | None = None
    """The same for metrics."""
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
    sys.setswitchinterval(SWITCH_S)
    store = open_store(options.store, options.max_history, os.environ.get("REDIS_PASSWORD"))
    log = RequestLog(options.request_log, options.log) if options.request_log else None
    try:
        predictor = Predictor(lambda: load_model(options.model_dir), store, log, options)
        predictor.load()
        gate = Gate(options)
        gate.version = predictor.version
        gc.collect()
        give_back()
        gc.freeze()  # what is loaded stays: a collection that walked it would stop all requests meanwhile
        uvloop.install()  # less CPU a request than asyncio's own loop
        asyncio.set_event_loop(asyncio.new_event_loop())  # uvloop makes none by itself, and KServe asks for one
        host = "127.0.0.1" if options.host_loopback else "0.0.0.0"
        access = _access(options)
        make = partial(
            Application,
            store=store,
            max_body=gate.max_body,
            sender_header=options.client_header or "",
            access=access,
        )
        ports = sorted(set(access.ports.values()))
        kserve.model_server.RESTServer = partial(RestServer, gate=gate, host=host, application=make, ports=ports)
        kserve.model_server.GRPCServer = partial(GrpcServer, gate=gate, host=host)  # looked up there by name
        server = kserve.ModelServer(
            http_port=options.http_port,
            grpc_port=options.grpc_port,
            workers=1,
            enable_latency_logging=False,
            grace_period=GRACE_S,
        )
        server.dataplane = HonestDataPlane(model_registry=server.registered_models)
        server.model_repository_extension = FixedRepository(model_registry=server.registered_models)
        _quieten()
        server.start([predictor])
        predictor.close()
    finally:
        if log is not None:
            log.close()
        store.close()


def _access(options: ServerOptions) -> Access:
    """Which permission is given at which port, under which names."""
    named = {Scope.WRITE: options.write_port, Scope.ERASE: options.erase_port, Scope.METRICS: options.metrics_port}
    ports = {scope: port for scope, port in named.items() if port is not None}
    if {options.http_port, options.grpc_port} & set(ports.values()):
        raise InputError("write_port, erase_port, metrics_port: expected ports beside those of REST and gRPC")
    if options.hosts is not None:
        return Access(ports=ports, hosts=frozenset(name.strip().lower() for name in options.hosts.split(",")))
    return Access(ports=ports, hosts=LOOPBACK_HOSTS if options.host_loopback else frozenset())


class HonestDataPlane(DataPlane):
    """KServe's data plane, with metadata of this server: its name, its version, and extensions that it has.

    Example:
        >>> HonestDataPlane(model_registry=kserve.ModelRepository()).metadata()["extensions"]
        ['binary_tensor_data']
    """

    def metadata(self) -> dict[str, Any]:
        return {"name": "aisle", "version": VERSION, "extensions": ["binary_tensor_data"]}

    async def model_metadata(self, model_name: str) -> dict[str, Any]:
        described: dict[str, Any] = await super().model_metadata(model_name)
        return described | {"versions": [self.get_model_from_registry(model_name).version]}


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
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)


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
