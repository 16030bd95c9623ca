"""`aisle demo --data DIR` on data of another kind than groceries, and what killed processes do to its result."""

import json
import os
import re
import shutil
import signal
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

from model.files import read_json
from model.registry.model_registry import Registry
from tests.pipelines.command import (
    aisle,
    assert_nothing_runs,
    events,
    forget_events,
    processes,
    ran,
    started,
    wait_for,
    wait_for_stage,
)
from tests.pipelines.conftest import Run

INTERRUPTED = 130


def test_ratings_without_baskets_stores_promotions_or_users_end_with_a_report(films_run: Run) -> None:
    summary = films_run.summary()
    assert summary["gate"]["outcome"] == "blessed"
    assert (films_run.done.returncode, films_run.done.stderr) == (0, "")
    assert summary["data"]["rows"] == 6000
    assert (summary["data"]["users"], summary["data"]["items"]) == (150, 200)
    assert summary["data"]["task"] == "next_new_item"  # no viewer rates a film twice
    first = summary["first_stable"]
    for figures in (summary["quality"], first["figures"]):  # what repeats is left out, and the popular ones fill in
        assert figures["personal_frequency"]["recall@10"] == figures["popularity"]["recall@10"] > 0
    assert first["name"] != "personal_frequency"
    assert "film" in (films_run.out / "report.html").read_text()


def test_killed_stages_and_a_killed_pipeline_change_nothing_in_the_result(films_run: Run, tmp_path: Path) -> None:
    """It has its own directory. Ingest, examples and baselines, which no kill affects, come from the cache."""
    assert films_run.data is not None
    out = tmp_path / "killed"
    assert _copy_cached(films_run.out, out, "ingest", "examples", "baselines") == 3
    arguments = ("train", "--fast", "--data", films_run.data, *films_run.changes, "--out", out)
    with started(*arguments) as process:
        for stage in ("validate", "train"):
            wait_for_stage(process, out, stage)
            _kill(out, f"--function_to_execute {stage}")
            wait_for(lambda stage=stage: _starts(out, stage) == 2, f"a second try of {stage}")
        _kill(out, "-m pipelines.local.kfp_runner")
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert re.fullmatch(r"aisle: train: expected it to finish, its process was ended .*\n", stderr)
    assert_nothing_runs(out)

    again = aisle(*arguments)
    assert (again.returncode, again.stderr) == (films_run.done.returncode, "")
    assert ran(out) == {"train", "evaluate", "gate", "push"}  # validate, too, had ended before the pipeline was killed
    assert _measured(out / "result.json") == _measured(films_run.out / "outputs.json")


def test_after_a_changed_data_file_the_stages_run_again(films_run: Run) -> None:
    assert films_run.data is not None
    file = films_run.data / "events.parquet"
    original = file.read_bytes()
    pd.read_parquet(file).iloc[:-1].to_parquet(file, index=False)
    forget_events(films_run.out)
    try:
        with started("demo", "--fast", "--data", films_run.data, *films_run.changes, "--out", films_run.out) as process:
            wait_for_stage(process, films_run.out, "validate")
            os.kill(process.pid, signal.SIGTERM)
            _, stderr = process.communicate(timeout=60)
    finally:
        file.write_bytes(original)
    assert (process.returncode, len(stderr.splitlines())) == (INTERRUPTED, 1)
    assert "5,999 events remain of 5,999" in [event["message"] for event in events(films_run.out)]
    assert_nothing_runs(films_run.out)


def test_no_stage_outlives_a_killed_command(films_run: Run, tmp_path: Path) -> None:
    assert films_run.data is not None
    with started("train", "--fast", "--data", films_run.data, *films_run.changes, "--out", tmp_path) as process:
        wait_for_stage(process, tmp_path, "validate")
        process.kill()
    assert_nothing_runs(tmp_path)


def test_other_data_are_compared_with_those_of_the_stable_model_and_the_same_data_come_from_the_cache(
    films_run: Run,
) -> None:
    assert films_run.data is not None
    out, stable = films_run.out, films_run.summary()["model"]
    registry = Registry(out / "registry")
    registry.set_stable(stable)
    arguments = ("train", "--fast", "--data", films_run.data, *films_run.changes, "--out", out)

    again = aisle(*arguments)
    assert (again.returncode, again.stderr) == (0, "")
    assert _compared_with(out) == ""
    assert ran(out) == {"evaluate", "gate", "push"}  # the stable model is now there to be compared with

    forget_events(out)
    with started(*arguments, "--cut-date", "2023-11-20") as process:
        wait_for_stage(process, out, "examples")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert _compared_with(out) == str(registry.root / "validation" / stable)
    newest = max(out.glob("pipeline/*/validate/anomalies/anomalies.json"), key=lambda path: path.stat().st_mtime)
    distances = {distance["feature"]: distance["value"] for distance in read_json(newest)["reference_drift"]}
    assert {"hour", "weekday"} <= set(distances) and all(value < 0.05 for value in distances.values())


def test_a_refresh_starts_from_the_stable_model_on_the_same_examples_and_passes_the_same_gate(films_run: Run) -> None:
    assert films_run.data is not None
    out, stable = films_run.out, films_run.summary()["model"]
    Registry(out / "registry").set_stable(stable)
    done = aisle("train", "--fast", "--data", films_run.data, *films_run.changes, "--out", out, "--start", "refresh")
    assert (done.returncode, done.stderr) == (0, "")
    assert ran(out) == {"validate", "train", "evaluate", "gate", "push"}
    made = read_json(out / read_json(out / "result.json")["model"] / "training.json")
    assert (made["start"], made["parent"], made["curves"]) == ("refresh", stable, {})
    values = read_json(out / read_json(out / "result.json")["evaluation"] / "metrics.json")["models"]
    assert values["aisle"]["ndcg@10"] == pytest.approx(values["blessed"]["ndcg@10"])
    assert Registry(out / "registry").state().canary not in (None, stable)


def _compared_with(out: Path) -> str:
    """The reference of the last run in `out`."""
    return str(read_json(out / "request.json")["arguments"]["reference_dir"])


def _copy_cached(source: Path, out: Path, *stages: str) -> int:
    """Copies the results of these stages from one run's cache to another's; returns how many there are."""
    (out / "cache").mkdir(parents=True)
    entries = [
        file
        for file in (source / "cache").glob("*.json")
        if {Path(output["uri"]).parent.name for output in read_json(file).values()} & set(stages)
    ]
    for file in entries:
        shutil.copy(file, out / "cache")
    return len(entries)


def _kill(out: Path, what: str) -> None:
    """Ends at once the process of the run whose command line ends in, or holds, `what`; not the shell around it."""
    matching = [pid for pid, line in processes(out).items() if what in line and not line.startswith("sh ")]
    # A child has its parent's command line until it has become its own program.
    pids = [pid for pid in matching if psutil.pid_exists(pid) and psutil.Process(pid).ppid() not in matching]
    assert len(pids) == 1, matching
    os.kill(pids[0], signal.SIGKILL)


def _starts(out: Path, stage: str) -> int:
    return sum(event.get("state") == "start" and event["stage"] == stage for event in events(out))


def _measured(outputs: Path) -> dict[str, Any]:
    """Every model's metrics on the test trips."""
    folder = outputs.parent / json.loads(outputs.read_text())["evaluation"]
    models: dict[str, Any] = json.loads((folder / "metrics.json").read_text())["models"]
    return models
