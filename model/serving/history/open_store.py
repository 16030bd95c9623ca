"""Which store: `lmdb:PATH` (or a plain path), embedded, or `redis://host:port/database`, shared."""

from pathlib import Path

from model.errors import InputError
from model.serving.history.store import HistoryStore

_REDIS = ("redis://", "rediss://", "unix://")


def open_store(name: str, max_history: int, redis_password: str | None = None) -> HistoryStore:
    """Opens the store that `name` describes; raises InputError when it describes none."""
    if name.startswith(_REDIS):
        from model.serving.history.redis_store import RedisStore

        return RedisStore(name, max_history, redis_password)
    path = name.removeprefix("lmdb:")
    if not path or "://" in path:
        raise InputError(f"store: expected lmdb:PATH, a path or redis://host:port/database, got {name!r}")
    from model.serving.history.lmdb_store import LmdbStore

    return LmdbStore(Path(path), max_history)
