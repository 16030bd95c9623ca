"""Services of the cluster on ports of this machine."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.rollout.local.processes import free_port, running, wait_until

FORWARD_S = 60.0
"""Longest wait until kubectl listens, seconds."""


@contextmanager
def forwarded(scratch: Path, namespace: str, service: str, port_there: int) -> Iterator[str]:
    """A port of a service of kubectl's cluster on a free port of this machine; yields its address.

    kubectl ends when the pod behind it does, so it is started again until the block ends.
    Raises StageFailed, with kubectl's message, when nothing listens within FORWARD_S.
    """
    port = free_port()
    forward = ["kubectl", "port-forward", "-n", namespace, f"service/{service}", f"{port}:{port_there}"]
    command = ["bash", "-c", 'until "$@"; do sleep 1; done', "port-forward", *forward, "--address", "127.0.0.1"]
    with running("port-forward", command, scratch / f"{service}.log") as process:
        wait_until(lambda: _listens(port), process, "ready", FORWARD_S)
        yield f"http://127.0.0.1:{port}"


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
