"""Beam's options for the runner that the settings name, checked before a pipeline is built.

Beam fetches a job server or Prism from an address outside when none is named, and waits for minutes for one that does
not answer. Here each of these is one line: what was expected, what came, what to type.
"""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from apache_beam.options.pipeline_options import PipelineOptions

from model.errors import AisleError, InputError, StageFailed
from model.system.programs import find_program
from tfx_configs.beam import BeamSettings

IN_PROCESS = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"
"""Beam's DirectRunner would first try to download its Prism runner from the internet."""
PROGRAMS = {
    "PrismRunner": "prism_location",
    "FlinkRunner": "flink_job_server_jar",
    "SparkRunner": "spark_job_server_jar",
}
"""{runner: the option that names its program}."""
MASTERS = {"FlinkRunner": ("flink_master", 8081), "SparkRunner": ("spark_master_url", 7077)}
"""{runner: the option that names its cluster, the cluster's usual port}."""
EMBEDDED = ("", "local")
"""Beginnings, before a bracket, of masters inside the job server: none, [local], [auto], local[2]."""
ANSWER_S = 5.0


def pipeline_options(beam: BeamSettings) -> PipelineOptions:
    """Beam's options.

    Raises InputError: the runner lacks an option, the program that it starts, or a cluster that answers.
    """
    flags = [f"--{option}" for option in beam.options]
    if not beam.on_runner:
        return PipelineOptions(["--runner", IN_PROCESS, *flags])
    _check(beam.runner, beam.values)
    return PipelineOptions(["--runner", beam.runner, *flags])


@contextmanager
def on_runner(beam: BeamSettings) -> Iterator[PipelineOptions]:
    """The options of a pipeline that runs inside; what breaks off on a runner is one StageFailed with its reason."""
    options = pipeline_options(beam)
    try:
        yield options
    except AisleError:
        raise
    except Exception as error:  # every runner and every worker has errors of its own
        if not beam.on_runner:
            raise
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = (lines[-1] if lines else type(error).__name__)[:300]
        raise StageFailed(
            f"beam.runner {beam.runner}: expected the pipeline to succeed, got: {reason}; the runner's log is above"
        ) from error


def _check(runner: str, values: Mapping[str, str]) -> None:
    if endpoint := values.get("job_endpoint"):
        _answers("job_endpoint", endpoint, 8099)
        return
    if runner == "PortableRunner":
        raise InputError(
            "beam.options: expected job_endpoint=HOST:PORT of a job server with PortableRunner, got none; "
            "--set 'beam.options=[\"job_endpoint=HOST:8099\"]'"
        )
    if runner in PROGRAMS:
        _there(runner, PROGRAMS[runner], values.get(PROGRAMS[runner], ""))
    if runner in MASTERS:
        if find_program("java") is None:
            raise InputError(f"beam.runner {runner}: expected java on the PATH for its job server, found none")
        name, port = MASTERS[runner]
        master = values.get(name, "")
        if master.partition("[")[0] not in EMBEDDED:
            _answers(name, master, port)


def _there(runner: str, name: str, path: str) -> None:
    """The program of a runner is a file; an address is left to Beam, which fetches it."""
    if "://" in path or (path and Path(path).is_file()):
        return
    got = f"{path}, which is no file" if path else "none"
    raise InputError(
        f"beam.options: expected {name}=FILE with {runner}, got {got}; docs/machines.md has how to make the file, "
        f"then --set 'beam.options=[\"{name}=FILE\"]'"
    )


def _answers(name: str, address: str, usual_port: int) -> None:
    parts = urlsplit(address if "://" in address else f"//{address}")
    if parts.scheme in ("k8s", "yarn") or not parts.hostname:
        return
    try:
        with socket.create_connection((parts.hostname, parts.port or usual_port), timeout=ANSWER_S):
            return
    except OSError as error:
        raise InputError(
            f"beam.options: expected {name}={address} to answer, got {error.strerror or error}; start it, or name "
            f"another with --set 'beam.options=[\"{name}=HOST:PORT\"]'"
        ) from None
