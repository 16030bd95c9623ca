"""Addresses whose new connections the kernel drops before the server sees them.

Python accepts and resets some 20,000 connections a second, and then does little else. A classic BPF program at the
listening socket drops the packets that ask for a connection (Linux, SO_ATTACH_FILTER; it needs no privilege). Accepted
connections are not affected: each has the filter of the moment at which it was opened.
"""

import ctypes
import socket
import struct
from collections.abc import Iterable

MOST = 64
"""Addresses at a time: each new connection runs the program, and the kernel charges its size to each accepted one."""
_ATTACH, _DETACH = 26, 27
"""SO_ATTACH_FILTER and SO_DETACH_FILTER of Linux."""
_SOURCE = (1 << 32) - 0x100000 + 12
"""SKF_NET_OFF and the offset of the source address in an IPv4 header."""
_LOAD, _JUMP_EQUAL, _RETURN = 0x20, 0x15, 0x06
"""BPF_LD | BPF_W | BPF_ABS, BPF_JMP | BPF_JEQ | BPF_K, BPF_RET | BPF_K."""
_STEP = struct.Struct("HBBI")
"""Code, steps to skip if true and if false, operand."""
_WHOLE, _NOTHING = 0xFFFFFFFF, 0
"""Bytes of a packet that pass."""


class AddressFilter:
    """The filter of one listening IPv4 socket; where the system has none, it drops nothing.

    Example:
        >>> with socket.create_server(("127.0.0.1", 0)) as listening:
        ...     dropped = AddressFilter(listening)
        ...     dropped.add("192.0.2.1"), dropped.add("192.0.2.1")
        (True, False)
    """

    def __init__(self, listening: socket.socket) -> None:
        self._socket = listening
        self._addresses: set[str] = set()

    def add(self, address: str) -> bool:
        """Whether connections of this address are dropped from now on, and were not before."""
        if address in self._addresses or len(self._addresses) == MOST:
            return False
        if not self._apply({*self._addresses, address}):
            return False
        self._addresses.add(address)
        return True

    def remove(self, address: str) -> None:
        """Its next connection reaches the server again."""
        self._addresses.discard(address)
        self._apply(self._addresses)

    def _apply(self, addresses: set[str]) -> bool:
        try:
            if not addresses:
                self._socket.setsockopt(socket.SOL_SOCKET, _DETACH, 0)
                return True
            program = _program(addresses)
            code = ctypes.create_string_buffer(program)
            where = struct.pack("HP", len(program) // _STEP.size, ctypes.addressof(code))
            self._socket.setsockopt(socket.SOL_SOCKET, _ATTACH, where)
        except OSError:  # another system, or the socket is closed
            return False
        return True


def _program(addresses: Iterable[str]) -> bytes:
    """Drops what comes from one of the addresses, and passes the rest."""
    steps = [(_LOAD, 0, 0, _SOURCE)]
    for address in addresses:
        (number,) = struct.unpack("!I", socket.inet_aton(address))
        steps += [(_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, _NOTHING)]
    steps.append((_RETURN, 0, 0, _WHOLE))
    return b"".join(_STEP.pack(*step) for step in steps)
