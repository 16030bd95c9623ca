"""A real PostgreSQL on loopback, from Debian's package; it refuses to run as root, so there it takes another user."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.rollout.local.processes import free_port
from model.system.programs import find_program

OWNER = "postgres"
SUPERUSER = "shop_owner"


@contextmanager
def postgres_server(workdir: Path) -> Iterator[str]:
    """Yields the address of an empty database, `postgresql://user@host:port/database`."""
    data, port = workdir / "postgres", free_port()
    data.mkdir()
    if os.geteuid() == 0:
        owner = pwd.getpwnam(OWNER)
        os.chown(data, owner.pw_uid, owner.pw_gid)
        for parent in (workdir, *workdir.parents):
            if parent.stat().st_mode & 0o001 == 0 and parent.owner() == "root":
                parent.chmod(parent.stat().st_mode | 0o011)
    control = find_program("pg_ctl") or "pg_ctl"
    options = f"-p {port} -h 127.0.0.1 -k '' -c fsync=off"
    _run([_beside(control, "initdb"), "-D", str(data), "-U", SUPERUSER, "-A", "trust", "--no-sync"])
    _run([control, "-D", str(data), "-w", "-o", options, "-l", str(data / "log"), "start"])
    try:
        yield f"postgresql://{SUPERUSER}@127.0.0.1:{port}/postgres"
    finally:
        _run([control, "-D", str(data), "-m", "immediate", "stop"])


def _beside(program: str, name: str) -> str:
    return shutil.which(name) or str(Path(program).resolve().with_name(name))


def _run(command: list[str]) -> None:
    user = OWNER if os.geteuid() == 0 else None
    done = subprocess.run(command, user=user, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 0, done.stderr.decode()
