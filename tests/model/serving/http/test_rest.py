import asyncio
import socket
from collections import Counter
from contextlib import ExitStack

from model.serving.http.rest import OPENED, Listener


def test_a_turn_of_the_loop_opens_few_connections_and_all_are_opened_in_the_end() -> None:
    """Requests of open connections are answered between the turns."""

    async def opened_by_turn() -> Counter[int]:
        loop, turn, by_turn = asyncio.get_running_loop(), 0, Counter[int]()

        def connect() -> asyncio.Protocol:
            by_turn[turn] += 1
            return asyncio.Protocol()

        listener = Listener("127.0.0.1", 0, connect)
        with ExitStack() as stack:
            address = listener._socket.getsockname()
            for _ in range(5 * OPENED):
                stack.enter_context(socket.create_connection(address))
            end = loop.time() + 5
            while by_turn.total() < 5 * OPENED and loop.time() < end:
                turn += 1
                await asyncio.sleep(0)
        listener.close()
        return by_turn

    by_turn = asyncio.run(opened_by_turn())
    assert by_turn.total() == 5 * OPENED
    assert max(by_turn.values()) <= OPENED
