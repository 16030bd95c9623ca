import socket
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest

from model.serving.admission.address_filter import MOST, AddressFilter

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the filter is of Linux")


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def _reaches(listening: socket.socket, address: str) -> bool:
    with suppress(TimeoutError):
        socket.create_connection(listening.getsockname(), timeout=0.3, source_address=(address, 0)).close()
        return True
    return False


@LINUX
def test_connections_of_the_addresses_alone_are_dropped_until_they_are_removed(listening: socket.socket) -> None:
    dropped = AddressFilter(listening)
    assert dropped.add("127.0.0.3") and dropped.add("127.0.0.4")
    assert [_reaches(listening, f"127.0.0.{n}") for n in (2, 3, 4, 5)] == [True, False, False, True]
    dropped.remove("127.0.0.3")
    assert [_reaches(listening, f"127.0.0.{n}") for n in (3, 4)] == [True, False]
    dropped.remove("127.0.0.4")
    assert _reaches(listening, "127.0.0.4")


@LINUX
def test_a_connection_that_was_open_before_stays_usable(listening: socket.socket) -> None:
    with socket.create_connection(listening.getsockname(), timeout=5, source_address=("127.0.0.3", 0)) as client:
        accepted, _ = listening.accept()
        with accepted:
            AddressFilter(listening).add("127.0.0.3")
            client.sendall(b"still here")
            assert accepted.recv(100) == b"still here"


@LINUX
def test_only_so_many_addresses_are_dropped_and_the_largest_filter_works(listening: socket.socket) -> None:
    dropped = AddressFilter(listening)
    assert sum(dropped.add(f"127.1.0.{n}") for n in range(MOST + 5)) == MOST
    assert [_reaches(listening, f"127.1.0.{n}") for n in (0, MOST - 1, MOST)] == [False, False, True]


def test_where_the_system_has_no_filter_nothing_is_dropped() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    dropped = AddressFilter(listening)
    listening.close()
    assert not dropped.add("127.0.0.3")
    dropped.remove("127.0.0.3")
