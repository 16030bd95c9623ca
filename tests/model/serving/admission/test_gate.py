import time

import pytest

from model.serving.admission.gate import FLOOD_S, YOUNG_S, Gate, Kind, Share
from model.serving.admission.limits import Limits
from model.serving.admission.strikes import MOST, Strikes


@pytest.mark.parametrize(("limit", "most"), [(1, 1), (3, 3), (4, 3), (64, 48), (100, 75)])
def test_one_client_alone_has_three_quarters_of_a_limit(limit: int, most: int) -> None:
    share = Share(limit)
    assert sum(share.take("ann") for _ in range(2 * limit)) == most


def test_the_next_clients_have_three_quarters_of_what_is_left_and_all_of_it_is_used() -> None:
    share = Share(64)
    assert [sum(share.take(client) for _ in range(64)) for client in ("a", "b", "c", "d", "e")] == [48, 12, 3, 1, 0]


def test_what_is_given_back_can_be_taken_again_and_a_client_without_anything_is_forgotten() -> None:
    share = Share(4)
    assert share.take("ann", 3) and not share.take("bob", 2)
    share.give_back("ann", 3)
    assert share.take("bob", 2) and share.used == 2
    assert list(share._of_client) == ["bob"]


def test_a_client_has_a_quarter_of_the_places_where_others_are_connected_and_it_is_no_proxy() -> None:
    for header, most in ((None, 4), ("x-client", 12)):
        gate = Gate(Limits(max_in_flight=16, client_header=header))
        for peer in ("ann", "bob"):
            gate.opened(Open(peer, None))
        assert sum(gate.enter(Kind.ASK, "ann") for _ in range(16)) == most
    alone = Gate(Limits(max_in_flight=16))
    alone.opened(Open("ann", None))
    assert sum(alone.enter(Kind.ASK, "ann") for _ in range(16)) == 12


def test_a_client_that_found_no_place_has_a_sixteenth_for_a_second_and_others_their_quarter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate, now = Gate(Limits(max_in_flight=64)), 100.0
    monkeypatch.setattr("time.perf_counter", lambda: now)
    for peer in ("ann", "bob"):
        gate.opened(Open(peer, None))

    def entered(client: str) -> int:
        count = sum(gate.enter(Kind.ASK, client) for _ in range(64))
        for _ in range(count):
            gate.leave(Kind.ASK, client)
        return count

    assert [entered("ann"), entered("ann"), entered("bob")] == [16, 4, 16]
    now += FLOOD_S - 0.1
    gate.check_times()
    assert entered("ann") == 4
    now += FLOOD_S
    gate.check_times()
    assert gate._shed == {} and entered("ann") == 16


class Open:
    def __init__(self, peer: str, since: float | None) -> None:
        self.peer, self.since, self.evicted = peer, since, False

    def idle_since(self) -> float | None:
        return self.since

    def check_time(self, now: float) -> None: ...

    def evict(self) -> None:
        self.evicted = True


def _opened(gate: Gate, *connections: Open) -> list[bool]:
    """Whether each is closed in the end; ages are in seconds."""
    now = time.perf_counter()
    for connection in connections:
        if connection.since is not None:
            connection.since = now - connection.since
        gate.opened(connection)
    return [connection.evicted for connection in connections]


def test_connections_too_many_cost_those_that_wait_longest_and_first_of_the_client_with_most() -> None:
    gate = Gate(Limits(max_connections=32))
    others = [Open("ann", since=99), Open("bob", since=None), Open("cat", since=98)]
    flood = [Open("flood", since=50 - n) for n in range(30)]
    assert _opened(gate, *others, *flood) == [False] * 3 + [True] * 2 + [False] * 28  # a sixteenth of 32


def test_young_connections_are_closed_for_another_client_only() -> None:
    """A young one may have sent a request that was not read yet."""
    few = Limits(max_connections=4)
    flood = [Open("flood", since=0.1) for _ in range(5)]
    assert _opened(Gate(few), *flood) == [False, False, False, False, True]
    flood = [Open("flood", since=0.5 - n / 10) for n in range(4)]
    assert _opened(Gate(few), *flood, Open("ann", since=0.0)) == [True, False, False, False, False]


def test_a_full_server_is_not_searched_again_until_a_connection_can_be_old_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, searched = 100.0, 0

    class Counted(Open):
        def idle_since(self) -> float | None:
            nonlocal searched
            searched += 1
            return self.since

    def opened(count: int) -> list[bool]:
        flood = [Counted("flood", now) for _ in range(count)]
        for connection in flood:
            gate.opened(connection)
            if connection.evicted:
                gate.closed(connection)
        return [connection.evicted for connection in flood]

    monkeypatch.setattr("time.perf_counter", lambda: now)
    gate = Gate(Limits(max_connections=20))
    gate.opened(Open("ann", None))
    assert opened(29) == [False] * 19 + [True] * 10 and searched == 20
    now += 1.5 * YOUNG_S
    assert opened(1) == [False] and searched == 40


def test_where_all_connections_wait_for_the_server_the_new_one_is_closed() -> None:
    assert _opened(Gate(Limits(max_connections=1)), Open("ann", None), Open("bob", None)) == [False, True]


def test_a_flood_of_one_kind_leaves_places_of_the_others() -> None:
    gate = Gate(Limits(max_in_flight=4))
    while gate.enter(Kind.ASK, "flood"):
        pass
    assert gate.enter(Kind.WRITE, "flood") and gate.enter(Kind.OTHER, "flood") and gate.enter(Kind.ASK, "ann")


def test_an_address_that_wastes_connections_is_shut_out_unless_it_is_a_proxy() -> None:
    direct, proxied = Gate(Limits(max_wasted_per_s=2)), Gate(Limits(max_wasted_per_s=2, client_header="x-client"))
    for gate in (direct, proxied):
        for _ in range(5):
            gate.wasted("ann")
    assert (direct.accepts("ann"), direct.accepts("bob"), proxied.accepts("ann")) == (False, True, True)


def test_only_so_many_wasteful_addresses_are_remembered_and_those_who_waited_are_forgotten() -> None:
    strikes = Strikes(per_s=2)
    for number in range(MOST + 10):
        strikes.strike(str(number), now=100.0)
    assert len(strikes) == MOST
    strikes.strike("0", now=100.4)  # a second one: .2 and 1
    strikes.forget(now=100.6)
    assert len(strikes) == 1


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v2/models/aisle/infer", Kind.ASK),
        ("/v2/models/aisle/versions/1/infer", Kind.ASK),
        ("/events", Kind.WRITE),
        ("/shoppers/ann", Kind.WRITE),
        ("/v2/health/live", Kind.OTHER),
        ("/nope", Kind.OTHER),
    ],
)
def test_the_kind_of_a_request_follows_from_its_path(path: str, kind: Kind) -> None:
    assert Kind.of(path) is kind
