"""Flink for the tests, from the jar of Beam's job server, whose manifest names Flink's jars too."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tfx_configs.beam import BeamSettings

JAR = os.environ.get("AISLE_FLINK_JOB_SERVER", "")
_JOB_MANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
_TASK_MANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
_OPENED = ("java.util", "java.lang", "java.nio", "sun.nio.ch", "java.net", "java.util.concurrent")
START_S = 120.0


def embedded() -> BeamSettings:
    """Flink inside the job server, its workers in the step."""
    options = ("flink_master=[local]", "environment_type=LOOPBACK", "parallelism=2", "job_server_jvm_properties=-Xmx1g")
    return BeamSettings(runner="FlinkRunner", options=(f"flink_job_server_jar={JAR}", *options))


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A JobManager and two TaskManagers with two slots each, so that one is enough; Beam's workers beside them."""

    beam: BeamSettings
    task_managers: list[subprocess.Popen[bytes]]
    rest: str

    def running_tasks(self) -> int:
        """Tasks of all jobs that run now."""
        return sum(job["tasks"]["running"] for job in self._asked("jobs/overview")["jobs"])

    def failures(self) -> list[str]:
        """What broke off in the jobs and was started again."""
        jobs = [job["id"] for job in self._asked("jobs")["jobs"]]
        histories = [self._asked(f"jobs/{job}/exceptions")["exceptionHistory"]["entries"] for job in jobs]
        return [entry["exceptionName"] for entries in histories for entry in entries]

    def _asked(self, path: str) -> Any:
        with urlopen(f"{self.rest}/{path}", timeout=5) as answer:
            return json.load(answer)


@contextmanager
def standalone(folder: Path, work_dir: Path, python: Path) -> Iterator[Cluster]:
    """The cluster on 127.0.0.1; its logs are in `folder`. `python`: interpreter of Beam's workers."""
    rpc, blob, rest, pool = (_port() for _ in range(4))
    text = _CONFIG.format(rpc=rpc, blob=blob, rest=rest, tmp=folder)
    (folder / "flink-conf.yaml").write_text(text)
    url = f"http://127.0.0.1:{rest}"
    options = (
        f"flink_job_server_jar={JAR}",
        f"flink_master={url}",
        "environment_type=EXTERNAL",
        f"environment_config=127.0.0.1:{pool}",
        "parallelism=2",
        "job_server_jvm_properties=-Xmx512m",
    )
    beam = BeamSettings(runner="FlinkRunner", options=options, work_dir=str(work_dir))
    opens = [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in _OPENED]
    java = ["java", "-Xmx512m", "-XX:MaxDirectMemorySize=512m", "-XX:+UseSerialGC", *opens, "-cp", JAR]
    environment = os.environ | {"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
    workers = [str(python), "-m", "apache_beam.runners.worker.worker_pool_main", f"--service_port={pool}"]
    commands = [[*java, _JOB_MANAGER, "--configDir", str(folder)], workers]
    commands += [[*java, _TASK_MANAGER, "--configDir", str(folder)]] * 2
    processes = []
    try:
        for n, command in enumerate(commands):
            with (folder / f"{n}.log").open("wb") as log:
                processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT))
        _wait_for_slots(url, 4)
        yield Cluster(beam=beam, task_managers=processes[2:], rest=url)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=30)


def _wait_for_slots(url: str, slots: int) -> None:
    until = time.monotonic() + START_S
    while True:
        with suppress(OSError), urlopen(f"{url}/overview", timeout=5) as answer:
            if json.load(answer)["slots-total"] == slots:
                return
        assert time.monotonic() < until, f"Flink did not offer {slots} slots within {START_S:.0f} s"
        time.sleep(0.5)


def _port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


# Flink counts a lost TaskManager once for each of a job's tasks: few attempts are none.
_CONFIG = """\
jobmanager.rpc.address: 127.0.0.1
jobmanager.rpc.port: {rpc}
jobmanager.bind-host: 127.0.0.1
jobmanager.memory.heap.size: 512m
blob.server.port: {blob}
rest.address: 127.0.0.1
rest.bind-address: 127.0.0.1
rest.port: {rest}
io.tmp.dirs: {tmp}
taskmanager.host: 127.0.0.1
taskmanager.bind-host: 127.0.0.1
taskmanager.numberOfTaskSlots: 2
cluster.evenly-spread-out-slots: true
taskmanager.cpu.cores: 1.0
taskmanager.memory.task.heap.size: 256m
taskmanager.memory.task.off-heap.size: 64m
taskmanager.memory.framework.heap.size: 128m
taskmanager.memory.framework.off-heap.size: 64m
taskmanager.memory.managed.size: 128m
taskmanager.memory.network.min: 256m
taskmanager.memory.network.max: 256m
taskmanager.memory.jvm-metaspace.size: 192m
taskmanager.memory.jvm-overhead.min: 64m
taskmanager.memory.jvm-overhead.max: 64m
taskmanager.network.sort-shuffle.min-buffers: 64
parallelism.default: 2
restart-strategy.type: fixed-delay
restart-strategy.fixed-delay.attempts: 1000
restart-strategy.fixed-delay.delay: 1 s
classloader.resolve-order: parent-first
heartbeat.timeout: 10000
heartbeat.interval: 2000
"""
