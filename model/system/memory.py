"""Keeps a server's memory near what it holds: what loading needed for a moment goes back to the system."""

import ctypes

import pyarrow as pa

_MMAP_THRESHOLD, _ARENA_MAX = -3, -8
"""Parameters of glibc's mallopt."""
_LARGE = 1 << 20


def keep_small() -> None:
    """Before anything large is loaded: blocks above a megabyte are given back as soon as they are free, and threads
    share two arenas. Without glibc nothing happens."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_MMAP_THRESHOLD, _LARGE)
        libc.mallopt(_ARENA_MAX, 2)


def give_back() -> None:
    """After loading: what is free goes back to the system."""
    pa.default_memory_pool().release_unused()
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)
