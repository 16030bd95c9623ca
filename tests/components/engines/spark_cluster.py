"""A Spark cluster of processes on this machine, from PyPI's pyspark: a master, two workers, and a Connect server."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pyspark

from components.rollout.local.processes import free_port

HOME = Path(pyspark.__file__).parent
START_S = 240.0


@dataclass(frozen=True, kw_only=True)
class SparkCluster:
    """`remote`: its address for Spark Connect."""

    remote: str
    workers: list[subprocess.Popen[bytes]]

    def executors(self) -> list[psutil.Process]:
        """The processes that do the work, one a worker."""
        return [child for worker in self.workers for child in psutil.Process(worker.pid).children(recursive=True)]


@contextmanager
def spark_cluster(folder: Path) -> Iterator[SparkCluster]:
    """The cluster on 127.0.0.1; its logs are in `folder`."""
    master_port, connect_port = free_port(), free_port()
    url = f"spark://127.0.0.1:{master_port}"
    environment = os.environ | {
        "SPARK_HOME": str(HOME),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_HOSTNAME": "127.0.0.1",
        "SPARK_NO_DAEMONIZE": "1",
        "PYSPARK_PYTHON": sys.executable,
    }
    common = ["--host", "127.0.0.1", "--webui-port", "0"]
    master = ["org.apache.spark.deploy.master.Master", *common, "--port", str(master_port)]
    worker = ["org.apache.spark.deploy.worker.Worker", *common, "--cores", "1", "--memory", "1g"]
    options = {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": connect_port,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.executor.memory": "768m",
        "spark.executor.extraJavaOptions": "-Duser.timezone=UTC",
        "spark.driver.extraJavaOptions": "-Duser.timezone=UTC",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "4",
        "spark.sql.warehouse.dir": folder / "warehouse",
    }
    server = ["org.apache.spark.deploy.SparkSubmit", "--master", url]
    server += [word for name, value in options.items() for word in ("--conf", f"{name}={value}")]
    server += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "spark-internal"]
    processes: list[subprocess.Popen[bytes]] = []

    def start(command: list[str], memory: str = "256m") -> subprocess.Popen[bytes]:
        with (folder / f"{len(processes)}.log").open("wb") as log:
            program = [str(HOME / "bin" / "spark-class"), *command]
            own = environment | {"SPARK_DAEMON_MEMORY": memory}
            processes.append(subprocess.Popen(program, env=own, stdout=log, stderr=subprocess.STDOUT))
        return processes[-1]

    try:
        start(master)
        _wait_for(master_port)
        workers = [start([*worker, "--work-dir", str(folder / f"work{n}"), url]) for n in range(2)]
        start(server, "768m")
        _wait_for(connect_port)
        cluster = SparkCluster(remote=f"sc://127.0.0.1:{connect_port}", workers=workers)
        until = time.monotonic() + START_S
        while len(cluster.executors()) < 2:
            assert time.monotonic() < until, "Spark did not start two executors"
            time.sleep(0.5)
        yield cluster
    finally:
        for process in reversed(processes):
            for child in psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []:
                child.kill()
            process.kill()
            process.wait()


def _wait_for(port: int) -> None:
    until = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < until, f"Spark did not open port {port}"
            time.sleep(0.5)
