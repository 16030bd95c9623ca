"""What the log and the purchases of a cluster show, counted on paper."""

import math
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from components.rollout.kserve.log_evidence import LogEvidence, in_background
from components.rollout.kserve.observers import Moment
from tests.components.inference_service.test_traffic import NEW, OLD
from tests.components.rollout.decision.test_state_machine import evidence_of
from tests.components.rollout.kserve.shop_log import BEGAN_S, HOUR_S, row, write_log, write_purchases

NOW_S = BEGAN_S + 48 * HOUR_S
SERVED = evidence_of()
LATE = ("u9", 47.0, "x")
"""Shows that the purchases reach to the end."""


def _moment(**changes: Any) -> Moment:
    moment: dict[str, Any] = {
        "namespace": "shop",
        "stable": OLD,
        "canary": NEW,
        "percent": 10,
        "since_s": BEGAN_S,
        "now_s": NOW_S,
    }
    return Moment(**moment | changes)


def _evidence(tmp_path: Path, rows: list[dict[str, Any]], bought: list[tuple[str, float, str]], **changes: Any) -> Any:
    log = LogEvidence(
        log=write_log(tmp_path / "log", rows), purchases=write_purchases(tmp_path / "tables", [*bought, LATE])
    )
    return log(_moment(**changes), SERVED)


def test_hits_of_closed_visits_are_counted_by_version_with_an_error_by_shopper(tmp_path: Path) -> None:
    """u1 buys 2 of a, b, then none; u2 buys 1 twice. Stable: 4 hits on 4 visits; the residuals of u1 and u2 are
    2 - 2 = 0 and 2 - 2 = 0. The canary: u3 buys 2, u4 none: 2 hits on 2, sqrt(2/1 * (1 + 1)) / 2 = 1."""
    rows = [
        *(row("u1", OLD.name, hour) for hour in (1, 20)),
        *(row("u2", OLD.name, hour) for hour in (2, 21)),
        row("u3", NEW.name, 3, ["c", "d"]),
        row("u4", NEW.name, 4, ["c", "e"]),
    ]
    bought = [("u1", 1.5, "a b x"), ("u1", 33.0, "a"), ("u2", 2.5, "a"), ("u2", 21.5, "b"), ("u3", 4.0, "c d")]
    evidence = _evidence(tmp_path, rows, bought)
    stable, canary = evidence.stable, evidence.canary
    assert (stable.trips, stable.hits, stable.shoppers, stable.hits_per_trip_se) == (4, 4, 2, 0.0)
    assert (canary.trips, canary.hits, canary.shoppers) == (2, 2, 2)
    assert canary.hits_per_trip_se == pytest.approx(1.0)
    # Of the canary's two lists of two items, one item is on both: 2 of 2 * 1 * 2 possible.
    assert (stable.list_overlap, canary.list_overlap) == (1.0, 0.5)
    assert (canary.requests, canary.p99_low_ms) == (SERVED.canary.requests, SERVED.canary.p99_low_ms)
    assert evidence.left_out == {}


def test_visits_whose_outcome_may_still_come_are_left_out(tmp_path: Path) -> None:
    """Closed after 12 h and 2 h of lateness: 48 - 14 = 34."""
    rows = [row("u1", NEW.name, 33.9), row("u2", NEW.name, 34.1)]
    assert _evidence(tmp_path, rows, [("u1", 34.0, "a"), ("u2", 34.5, "a")]).canary.trips == 1


def test_visits_that_the_purchases_do_not_reach_are_no_visits_without_a_hit(tmp_path: Path) -> None:
    """The purchases end after 20 h, so the outcome of a visit at 9 h is not complete, that at 7 h is."""
    log = write_log(tmp_path / "log", [row("u1", NEW.name, 7), row("u2", NEW.name, 9)])
    tables = write_purchases(tmp_path / "tables", [("u1", 7.5, "a"), ("u9", 20.0, "x")])
    canary = LogEvidence(log=log, purchases=tables)(_moment(), SERVED).canary
    assert (canary.trips, canary.hits) == (1, 1)


def test_what_is_no_evidence_is_counted_by_reason(tmp_path: Path) -> None:
    rows = [
        row("u1", NEW.name, 1),
        row("u2", NEW.name, 2, route="unsticky"),
        row("u3", NEW.name, 3, route="named"),
        row("u4", "2016-01-01-other", 4),
        row("u5", NEW.name, 5),
        row("u5", OLD.name, 6),
        row("u6", OLD.name, -1),
        row("u7", OLD.name, 1, route="shadow"),
        row("u8", OLD.name, 1, new_only=True),
    ]
    evidence = _evidence(tmp_path, rows, [(f"u{n}", 7.0, "a") for n in range(1, 9)])
    assert (evidence.canary.shoppers, evidence.canary.trips, evidence.stable.shoppers) == (1, 1, 0)
    assert evidence.left_out == {
        "without the shopper's header": 1,
        "asked for by name": 1,
        "of other versions": 1,
        "of shoppers whom both versions answered": 2,
    }


def test_a_purchase_that_names_its_request_belongs_to_that_visit(tmp_path: Path) -> None:
    rows = [row("u1", NEW.name, 1, ["a"], request_id="first"), row("u1", NEW.name, 3, ["b"], request_id="second")]
    log, tables = write_log(tmp_path / "log", rows), write_purchases(tmp_path / "tables", [("u1", 4.0, "a"), LATE])
    by_time = LogEvidence(log=log, purchases=tables)(_moment(), SERVED).canary
    assert by_time.hits == 0
    events = next(tables.rglob("*.parquet"))
    named = pd.read_parquet(events).assign(request_id="first")
    named.to_parquet(events, index=False)
    assert LogEvidence(log=log, purchases=tables)(_moment(), SERVED).canary.hits == 1


def test_without_a_log_or_purchases_nothing_is_proven_and_the_other_evidence_stays(tmp_path: Path) -> None:
    nothing = LogEvidence(log=tmp_path / "gone", purchases=tmp_path / "gone")
    assert nothing(_moment(), SERVED) == SERVED
    log = write_log(tmp_path / "log", [row("u1", NEW.name, 1)])
    without = LogEvidence(log=log, purchases=tmp_path / "gone")(_moment(), SERVED).canary
    assert (without.shoppers, without.trips, without.hits) == (1, 0, 0)
    assert math.isinf(without.hits_per_trip_se)


def test_the_log_is_read_again_once_it_is_old_or_the_share_moved(tmp_path: Path) -> None:
    now_s = [0.0]
    folder = write_log(tmp_path / "log", [row("u1", NEW.name, 1)])
    tables = write_purchases(tmp_path / "tables", [LATE])
    log = LogEvidence(log=folder, purchases=tables, every_s=120.0, clock=lambda: now_s[0])
    assert log(_moment(), SERVED).canary.shoppers == 1
    write_log(folder, [row("u2", NEW.name, 45)], "v-1-1-2")
    assert log(_moment(), SERVED).canary.shoppers == 1
    now_s[0] = 121.0
    assert log(_moment(), SERVED).canary.shoppers == 2
    assert log(_moment(since_s=BEGAN_S + 1.5 * HOUR_S), SERVED).canary.shoppers == 1


def test_of_more_rows_than_can_be_kept_a_sample_of_the_shoppers_stays_the_same_at_every_reading(tmp_path: Path) -> None:
    """600 shoppers ask three times each, one in ten the canary; 900 rows may stay."""
    now_s = [0.0]
    tables = write_purchases(tmp_path / "tables", [LATE])
    log = LogEvidence(log=tmp_path / "log", purchases=tables, most_rows=900, clock=lambda: now_s[0])
    counts = []
    for part in range(3):
        rows = [row(f"u{n}", NEW.name if n % 10 == 0 else OLD.name, 1 + part + n / 1e4) for n in range(600)]
        write_log(tmp_path / "log", rows, f"v-1-1-{part}")
        now_s[0] += 121.0
        evidence = log(_moment(now_s=BEGAN_S + (2 + part) * HOUR_S), SERVED)
        counts.append(evidence.stable.shoppers + evidence.canary.shoppers)
        assert log._rows is not None and len(log._rows) <= 900
    assert counts[0] == 600 and 150 < counts[-1] <= 300
    assert 0.05 < evidence.canary.shoppers / counts[-1] < 0.16
    again = LogEvidence(log=tmp_path / "log", purchases=tables)(_moment(now_s=BEGAN_S + 4 * HOUR_S), SERVED)
    assert again.stable.shoppers + again.canary.shoppers == 600


def test_a_row_that_comes_late_is_read_and_none_is_counted_twice(tmp_path: Path) -> None:
    now_s = [0.0]
    tables = write_purchases(tmp_path / "tables", [("u1", 1.5, "a"), ("u2", 1.5, "a"), LATE])
    folder = write_log(tmp_path / "log", [row("u1", NEW.name, 1.0)])
    log = LogEvidence(log=folder, purchases=tables, clock=lambda: now_s[0])
    assert log(_moment(now_s=BEGAN_S + 1.2 * HOUR_S), SERVED).canary.shoppers == 1
    write_log(folder, [row("u2", NEW.name, 1.1)], "v-1-1-2")
    now_s[0] += 121.0
    assert log(_moment(now_s=BEGAN_S + 1.3 * HOUR_S), SERVED).canary.shoppers == 2
    assert log._rows is not None and len(log._rows) == 2


def test_in_the_background_it_is_read_once_at_a_time_and_counts_from_the_next_evaluation_on(
    tmp_path: Path,
) -> None:
    log = LogEvidence(
        log=write_log(tmp_path / "log", [row("u1", NEW.name, 1.0)]),
        purchases=write_purchases(tmp_path / "tables", [LATE]),
        run=(waiting := list[Callable[[], None]]()).append,
    )
    assert log(_moment(), SERVED) == SERVED and log(_moment(), SERVED) == SERVED
    (read,) = waiting
    read()
    assert log(_moment(), SERVED).canary.shoppers == 1
    done = threading.Event()
    in_background(done.set)
    assert done.wait(5)


def test_a_store_that_goes_away_leaves_what_was_read(tmp_path: Path) -> None:
    now_s = [0.0]
    folder, tables = write_log(tmp_path / "log", [row("u1", NEW.name, 1.0)]), write_purchases(tmp_path / "t", [LATE])
    log = LogEvidence(log=folder, purchases=tables, clock=lambda: now_s[0])
    assert log(_moment(), SERVED).canary.shoppers == 1
    shutil.rmtree(folder)
    now_s[0] += 121.0
    assert log(_moment(), SERVED).canary.shoppers == 1
