"""Whole rollouts on this machine: real KServe servers around the fake model, a real Envoy, a tiny world."""

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from components.rollout.local.processes import REQUESTS
from components.rollout.local.rollout import LocalRollout
from components.rollout.rollout_record import Progress, RolloutRecord, RolloutResult
from model.errors import InputError
from model.request_log.reader import read
from model.serving.history.lmdb_store import LmdbStore
from tests.components.rollout.decision.weekly import DAY_S, weekly_trips
from tests.model.serving.fake_server import write_model
from tfx_configs.rollout import RolloutSettings
from tfx_configs.settings import RunSettings

FAKE = "tests.model.serving.fake_server"
SCENES = "tests.components.rollout.scene_server"
SETTINGS = RunSettings(replay_requests=150, rollout=RolloutSettings(min_canary_requests=15, p99_floor_ms=2000.0))


@pytest.fixture
def earlier() -> set[int]:
    """Processes that other tests have left to the test run, such as Spark's JVM."""
    return {child.pid for child in psutil.Process().children(recursive=True)}


def _children(earlier: set[int]) -> list[str]:
    children = psutil.Process().children(recursive=True)
    return [" ".join(child.cmdline()) for child in children if child.pid not in earlier]


def _no_progress(_: Progress) -> None:
    """Reports nothing."""


def _rollout(
    workdir: Path,
    on_progress: Callable[[Progress], None] = _no_progress,
    settings: RunSettings = SETTINGS,
    server_module: str = FAKE,
    **canary: object,
) -> RolloutResult:
    stable_dir = write_model(workdir / "v1", "v1")
    canary_dir = write_model(workdir / "v2", "v2", **canary)
    return LocalRollout(
        trips=weekly_trips(),
        stable_dir=stable_dir,
        canary_dir=canary_dir,
        settings=settings,
        workdir=workdir / "rollout",
        on_progress=on_progress,
        server_module=server_module,
    ).run()


def _changes_of_version(workdir: Path) -> set[tuple[str, str]]:
    """(before, after) of every shopper whose version changed, in the order of the requests."""
    rows = (
        read(workdir / REQUESTS, columns=["request_id", "version", "user_id", "time_s"]).sort_by("time_s").to_pylist()
    )
    last: dict[str, str] = {}
    changes = set()
    for row in rows:
        if not row["request_id"].startswith("replay-"):
            continue
        shopper, version = row["user_id"], row["version"]
        if last.setdefault(shopper, version) != version:
            changes.add((last[shopper], version))
        last[shopper] = version
    return changes


def test_a_healthy_canary_is_promoted_and_live_state_ends_as_the_offline_history(
    tmp_path: Path, earlier: set[int]
) -> None:
    result = _rollout(tmp_path)
    assert result.final_state == "promoted"
    assert (result.failed_requests, result.failed_events) == (0, 0)
    assert [step.declared_percent for step in result.steps] == [10, 50, 100]
    assert [step.decision for step in result.steps] == ["step", "step", "promote"]
    for step in result.steps:
        # The fake model answers what the shopper bought before: both items of each basket.
        assert set(step.hits_per_trip.values()) == {2.0}
        assert step.canary_requests >= SETTINGS.rollout.min_canary_requests
        assert step.split_p_value >= SETTINGS.rollout.split_alpha
    serving = result.serving
    assert serving is not None and min(serving.p50_ms, serving.p99_ms, serving.rps, serving.cpu_ms_per_request) > 0
    stages = serving.stages_ms
    assert {"Envoy and HTTP", "state", "queue"} <= set(stages) and all(value >= 0 for value in stages.values())
    assert sum(stages.values()) == pytest.approx(1000 / serving.rps, rel=0.01)
    assert [step.began < step.ended for step in result.steps] == [True, True, True]
    assert not any(guard.value > guard.limit for step in result.steps for guard in step.guards if guard.at_most)
    json.dumps(result.model_dump(mode="json"), allow_nan=False)

    record = RolloutRecord.load(tmp_path / "rollout")
    assert (record.stable_before, record.candidate, record.percent, record.state) == ("v1", "v2", 100, "promoted")
    assert record.steps == result.steps

    assert _changes_of_version(tmp_path / "rollout") <= {("v1", "v2")}

    played = sum(step.requests for step in result.steps)
    trips = weekly_trips()
    last = int(trips.test_trips()[played - 1])
    store = LmdbStore(tmp_path / "rollout" / "store")
    items, times, stores, *_ = store.history("shopper-0", int(trips.time_T[last]) + 1)
    weeks_seen = int(trips.time_T[last]) // (7 * DAY_S) + 1
    assert items == ["item-0", "item-1"] * weeks_seen
    assert stores is not None and stores.texts() == ["s"] * len(items)
    assert times.tolist() == [week * 7 * DAY_S for week in range(weeks_seen) for _ in range(2)]
    assert _children(earlier) == []


def test_a_canary_with_the_same_list_for_all_is_rolled_back_for_its_coverage(tmp_path: Path) -> None:
    result = _rollout(tmp_path, own=False, items=["item-0"])
    assert result.final_state == "rolled_back"
    assert result.steps[-1].reasons[0] == ("coverage: two shoppers' lists share 100% of their items, with stable 0%")
    assert result.failed_requests == 0
    assert RolloutRecord.load(tmp_path / "rollout").percent == 0


def test_a_canary_with_shuffled_scores_is_rolled_back_for_its_outcomes(tmp_path: Path) -> None:
    items = [f"item-{n}" for n in range(160)]
    result = _rollout(tmp_path, server_module=SCENES, shuffled=True, items=items)
    assert result.final_state == "rolled_back"
    assert [reason.partition(":")[0] for reason in result.steps[-1].reasons] == ["outcomes"]
    assert result.failed_requests == 0


@pytest.mark.parametrize("garbage", ["empty", "nan", "the same two", "unknown"])
def test_a_canary_whose_answers_break_the_contract_is_rolled_back_and_no_shopper_gets_one(
    tmp_path: Path, garbage: str
) -> None:
    items = [f"item-{n}" for n in range(160)]
    result = _rollout(tmp_path, server_module=SCENES, garbage=garbage, items=items, closed=True)
    assert result.final_state == "rolled_back"
    assert len(result.steps) == 1
    assert re.search(r"errors: \d+ of \d+ canary requests, .* answers broke the contract", result.steps[0].reasons[0])
    assert result.failed_requests == 0
    answers = read(tmp_path / "rollout" / REQUESTS, columns=["item_ids", "version"]).to_pylist()
    assert {"v1", "v2"} == {row["version"] for row in answers}
    assert all(len(row["item_ids"]) == len(set(row["item_ids"])) > 0 for row in answers)
    assert not any(item.startswith("gold") for row in answers for item in row["item_ids"])


def test_a_slow_canary_is_rolled_back_for_its_latency_or_for_the_fallbacks_that_stand_in(tmp_path: Path) -> None:
    plan = SETTINGS.rollout.replace(p99_floor_ms=150.0)
    slow = SETTINGS.replace(rollout=plan)
    result = _rollout(tmp_path, settings=slow, sleep_s=0.3)
    assert result.final_state == "rolled_back"
    assert result.steps[-1].reasons[0].partition(":")[0] in ("latency", "fallback")
    assert result.failed_requests == 0


def test_a_canary_killed_under_way_is_rolled_back_and_every_request_is_answered(
    tmp_path: Path, earlier: set[int]
) -> None:
    killed: list[psutil.Process] = []

    def kill_canary(progress: Progress) -> None:
        if progress.percent == 50 and not killed:
            children = [child for child in psutil.Process().children() if child.pid not in earlier]
            killed.extend(child for child in children if str(tmp_path / "v2") in child.cmdline())
            killed[0].kill()

    result = _rollout(tmp_path, kill_canary)
    assert result.final_state == "rolled_back"
    assert result.failed_requests == 0
    assert result.steps[-1].declared_percent == 50
    assert _children(earlier) == []


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_an_interrupted_rollout(tmp_path: Path, ending: signal.Signals) -> None:
    command = [sys.executable, "-m", "tests.components.rollout.local.test_rollout", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "under way\n"
        children = psutil.Process(run.pid).children(recursive=True)
        assert len(children) == 3
        os.kill(run.pid, ending)
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []
    if ending == signal.SIGINT:
        assert RolloutRecord.load(tmp_path / "rollout").state == "aborted"


def test_a_world_without_test_trips_is_an_input_error(tmp_path: Path) -> None:
    trips = dataclasses.replace(weekly_trips(), cut_s=10**9)
    with pytest.raises(InputError, match="expected trips at or after the cut"):
        LocalRollout(
            trips=trips, stable_dir=tmp_path, canary_dir=tmp_path, settings=SETTINGS, workdir=tmp_path / "rollout"
        ).run()


def _announce(_: Progress) -> None:
    print("under way", flush=True)
    time.sleep(60)


if __name__ == "__main__":
    _rollout(Path(sys.argv[1]), _announce)
