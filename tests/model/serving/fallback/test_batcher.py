import threading
from collections.abc import Sequence

import numpy as np
import pytest

from model.api import Answer, Request
from model.serving.fallback.batcher import MAX_BATCH, Batcher

NONE = np.empty(0, np.int64)


class _Work:
    """Records its batches; the first waits for `go`."""

    def __init__(self) -> None:
        self.batches: list[tuple[list[str], bool]] = []
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self, requests: Sequence[Request], fewer: bool) -> list[Answer]:
        self.batches.append(([request.user_id for request in requests], fewer))
        self.begun.set()
        self.go.wait(10)
        if any(request.user_id == "poison" for request in requests):
            raise RuntimeError("poison")
        return [Answer(item_ids=[request.user_id], scores=[1.0], reasons=["popular"]) for request in requests]


def _request(user_id: str) -> Request:
    return Request(user_id=user_id, time_s=0, history_item=[], history_time=NONE)


def _held(work: _Work) -> Batcher:
    """A batcher of one thread that is busy with the shopper `first`."""
    batcher = Batcher(work, threads=1)
    batcher.submit(_request("first"), False)
    assert work.begun.wait(10)
    return batcher


def test_what_waits_is_ranked_together_and_everybody_gets_their_own_answer() -> None:
    work = _Work()
    batcher = _held(work)
    jobs = [batcher.submit(_request(user), False) for user in "abc"]
    work.go.set()
    assert [job.result(10).item_ids for job in jobs] == [["a"], ["b"], ["c"]]
    assert work.batches == [(["first"], False), (["a", "b", "c"], False)]
    batcher.close()


def test_a_batch_is_of_one_kind_and_no_larger_than_the_limit() -> None:
    work = _Work()
    batcher = _held(work)
    jobs = [batcher.submit(_request(str(n)), n == MAX_BATCH + 1) for n in range(MAX_BATCH + 2)]
    assert batcher.rounds() == 1 + 1 + 1
    work.go.set()
    for job in jobs:
        job.result(10)
    sizes = [(len(users), fewer) for users, fewer in work.batches]
    assert sizes == [(1, False), (MAX_BATCH, False), (1, False), (1, True)]
    assert batcher.rounds() == 1
    batcher.close()


def test_clients_take_turns_so_one_with_many_requests_waits_for_itself() -> None:
    work = _Work()
    batcher = _held(work)
    jobs = [batcher.submit(_request(f"flood-{n}"), False, "flood") for n in range(3 * MAX_BATCH)]
    assert (batcher.rounds("ann"), batcher.rounds("flood")) == (2, 5)
    jobs += [batcher.submit(_request(user), False, user) for user in ("ann", "bob")]
    work.go.set()
    for job in jobs:
        job.result(10)
    rest = [f"flood-{n}" for n in range(3 * MAX_BATCH)]
    assert work.batches[1][0] == ["flood-0", "ann", "bob", *rest[1:6]]
    assert [users for users, _ in work.batches[2:]] == [rest[6:14], rest[14:22], rest[22:]]
    batcher.close()


def test_nothing_is_run_for_who_has_gone_away() -> None:
    work = _Work()
    batcher = _held(work)
    gone, stays = batcher.submit(_request("gone"), False), batcher.submit(_request("stays"), False)
    assert gone.cancel()
    work.go.set()
    stays.result(10)
    assert work.batches[1:] == [(["stays"], False)]
    batcher.close()


def test_one_request_that_fails_does_not_take_the_others_down() -> None:
    work = _Work()
    batcher = _held(work)
    jobs = {user: batcher.submit(_request(user), False) for user in ("a", "poison", "b")}
    work.go.set()
    assert jobs["a"].result(10).item_ids == ["a"] and jobs["b"].result(10).item_ids == ["b"]
    with pytest.raises(RuntimeError, match="poison"):
        jobs["poison"].result(10)
    batcher.close()


def test_closing_cancels_what_waits_and_lets_what_runs_finish() -> None:
    work = _Work()
    batcher = _held(work)
    waits = batcher.submit(_request("waits"), False)
    closing = threading.Thread(target=batcher.close)
    closing.start()
    work.go.set()
    closing.join(10)
    assert waits.cancelled() and not closing.is_alive()
