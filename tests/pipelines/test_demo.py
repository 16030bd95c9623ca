"""`aisle demo --fast` from end to end: KFP's local runner, TFDV, TFRS, TFMA, KServe servers and Envoy, all real."""

import http.client
import json
import os
import re
import signal
import socket
from pathlib import Path

import pytest

from components.rollout.local.processes import free_port
from tests.pipelines.command import (
    aisle,
    assert_nothing_runs,
    forget_events,
    processes,
    ran,
    started,
    wait_for,
    wait_for_stage,
)
from tests.pipelines.conftest import Run

QUALITY = {
    "recall@10",
    "ndcg@10",
    "phr@10",
    "recall@20",
    "ndcg@20",
    "explore_recall@10",
    "repeat_recall@10",
    "coverage@10",
    "novelty@10",
    "calibration_error@10",
    "calibration_ratio@10",
}
STAGES = {"ingest", "validate", "examples", "train", "baselines", "evaluate", "gate", "push", "rollout", "monitor"}
INTERRUPTED = 130


def test_the_demo_promotes_a_blessed_model_and_leaves_its_summary(promoted_run: Run) -> None:
    assert (promoted_run.done.returncode, promoted_run.done.stderr) == (0, "")
    summary = promoted_run.summary()
    assert {"data", "quality", "gate", "rollout", "serving", "seconds"} <= set(summary)
    assert {"rows", "users", "items", "cut"} <= set(summary["data"])
    assert set(summary["quality"]) == {"aisle", "personal_frequency", "popularity", "popular_unseen", "item_knn"}
    assert all(set(values) == QUALITY for values in summary["quality"].values())
    assert summary["gate"]["blessed"] is True and summary["gate"]["reasons"]
    assert summary["gate"]["outcome"] == "blessed" and summary["first_stable"]["name"] == "personal_frequency"
    assert summary["rollout"]["final_state"] == "promoted"
    assert summary["rollout"]["failed_requests"] == 0
    steps = summary["rollout"]["steps"]
    assert [step["declared_percent"] for step in steps] == [10, 50, 100]
    assert all(0 <= step["observed_percent"] <= 100 for step in steps)
    assert all(summary["serving"][name] > 0 for name in ("p50_ms", "p99_ms", "rps", "cpu_ms_per_request"))
    assert set(summary["seconds"]) == STAGES
    assert all(seconds > 0 for seconds in summary["seconds"].values())
    assert_nothing_runs(promoted_run.out)


def test_a_sample_of_the_demos_own_data_ends_in_order_with_what_the_gate_decided(grocery_run: Run) -> None:
    """Some 80 trips: whether they prove a lead is the data's matter; nothing is served that the gate did not bless."""
    summary, gate = grocery_run.summary(), grocery_run.summary()["gate"]
    assert (grocery_run.done.returncode, grocery_run.done.stderr) == (0 if gate["blessed"] else 1, "")
    assert gate["blessed"] == (gate["outcome"] == "blessed") and gate["reasons"]
    assert (grocery_run.out / "report.html").is_file()
    if not gate["blessed"]:
        assert summary["rollout"]["final_state"] == "not_started" and summary["rollout"]["steps"] == []
        assert summary["rollout"]["why"] == gate["outcome"].replace("_", " ")
        word = {"not_proven": "NOT PROVEN", "not_blessed": "NOT blessed"}[gate["outcome"]]
        assert f"Gate: {word}, the stable model stays" in grocery_run.done.stdout
        chosen = json.loads((grocery_run.out / "registry" / "state.json").read_text())
        assert chosen["stable"] == summary["stable_before"] and chosen["canary"] is None
    assert f"First stable model: {summary['first_stable']['name']}, " in grocery_run.done.stdout
    assert_nothing_runs(grocery_run.out)


def test_the_trained_models_scores_are_probabilities_and_those_of_baselines_are_not(promoted_run: Run) -> None:
    summary = promoted_run.summary()
    line = summary["training"]["calibration"]
    assert line["slope"] > 0 and line["listed"] > line["bought"] > 0
    calibrated = {name for name, values in summary["quality"].items() if values["calibration_error@10"] is not None}
    assert calibrated == {"aisle"} and summary["quality"]["aisle"]["calibration_error@10"] < 0.15


def test_the_last_lines_report_the_result_and_what_to_try_next(promoted_run: Run) -> None:
    lines = promoted_run.done.stdout.splitlines()
    assert any(line.startswith("Gate: blessed") for line in lines)
    assert any(line.startswith("Rollout: promoted") for line in lines)
    assert f"Report: {promoted_run.out}/report.html" in promoted_run.done.stdout
    assert lines[lines.index("Next:") + 1 :] != [] and len(lines[lines.index("Next:") + 1 :]) == 3


def test_without_a_terminal_progress_is_a_few_plain_lines(promoted_run: Run) -> None:
    assert "\x1b" not in promoted_run.done.stdout
    assert len(promoted_run.done.stdout.splitlines()) < 100


def test_the_report_is_written_again_from_what_the_run_left(promoted_run: Run) -> None:
    report = promoted_run.out / "report.html"
    first = report.read_bytes()
    report.unlink()
    done = aisle("report", "--run", promoted_run.out)
    assert (done.returncode, done.stderr) == (0, "")
    assert report.read_bytes() == first


def test_the_status_of_a_rollout_names_both_models_and_every_step(promoted_run: Run) -> None:
    done = aisle("rollout", "status", "--run", promoted_run.out)
    assert done.returncode == 0
    summary = promoted_run.summary()
    assert summary["model"] in done.stdout and summary["stable_before"] in done.stdout
    assert [int(percent) for percent in re.findall(r"^ +(\d+) % declared", done.stdout, re.MULTILINE)] == [10, 50, 100]


def test_the_promoted_model_serves_until_ctrl_c(promoted_run: Run) -> None:
    rest, grpc = free_port(), free_port()
    ports = ("--http-port", str(rest), "--grpc-port", str(grpc))
    with started("serve", "--run", promoted_run.out, *ports) as process:
        assert process.stdout is not None
        assert promoted_run.summary()["model"] in process.stdout.readline()
        assert process.stdout.readline().startswith("ready: ")
        answer = _infer(rest, "1")
        assert answer["parameters"]["model_version"] == promoted_run.summary()["model"]
        assert len(next(out["data"] for out in answer["outputs"] if out["name"] == "item_id")) == 5

        second = aisle("serve", "--run", promoted_run.out, *ports)
        assert (second.returncode, len(second.stderr.splitlines())) == (2, 1)
        assert str(rest) in second.stderr

        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(30) == 0
        assert process.stderr is not None
        (warning,) = process.stderr.read().splitlines()
        assert warning.startswith("warning: the newest event is ")
    assert_nothing_runs(promoted_run.out)
    assert not any(_listens(port) for port in (rest, grpc))


def _ports_behind_the_gateway(out: Path) -> list[int]:
    """Ports of stable and canary (HTTP and gRPC each) while Envoy runs in front of both, else none."""
    lines = " ".join(processes(out).values())
    ports = [int(port) for port in re.findall(r"--(?:http|grpc)-port (\d+)", lines)]
    return ports if len(ports) == 4 and "envoy" in lines else []


def test_ctrl_c_during_the_rollout_ends_everything_and_keeps_the_promoted_model(promoted_run: Run) -> None:
    before = _results(promoted_run.out)
    with started("demo", *promoted_run.arguments) as process:
        ports = wait_for(lambda: _ports_behind_the_gateway(promoted_run.out), "the gateway and its two servers")
        os.killpg(process.pid, signal.SIGINT)
        os.killpg(process.pid, signal.SIGINT)  # the impatient press twice
        _, stderr = process.communicate(timeout=60)
    assert (process.returncode, len(stderr.splitlines())) == (INTERRUPTED, 1)
    assert_nothing_runs(promoted_run.out)
    assert not any(_listens(port) for port in ports)
    assert _results(promoted_run.out) == before


def test_a_second_run_takes_finished_stages_from_the_cache_and_ends_the_same(promoted_run: Run) -> None:
    first = promoted_run.summary()
    done = aisle("demo", *promoted_run.arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert ran(promoted_run.out) == {"gate", "push"}
    second = promoted_run.summary()
    assert second["seconds"]["train"] == 0
    for part in ("data", "quality", "gate", "model"):
        assert second[part] == first[part]
    assert second["rollout"]["final_state"] == "promoted"


@pytest.mark.parametrize(
    ("change", "first"),
    [(("--cut-date", "2023-05-29"), "ingest"), (("--set", "train.temperature=0.2"), "train")],
    ids=["data", "train"],
)
def test_after_a_changed_setting_the_stages_that_read_it_run_again_and_none_before_them(
    promoted_run: Run, change: tuple[str, str], first: str
) -> None:
    before = _results(promoted_run.out)
    forget_events(promoted_run.out)
    with started("demo", *promoted_run.arguments, *change) as process:
        wait_for_stage(process, promoted_run.out, first)
        assert ran(promoted_run.out) == {first}
        process.send_signal(signal.SIGINT)  # to the command alone, as a program would
        _, stderr = process.communicate(timeout=60)
    assert (process.returncode, len(stderr.splitlines())) == (INTERRUPTED, 1)
    assert_nothing_runs(promoted_run.out)
    assert _results(promoted_run.out) == before


def test_a_second_run_in_the_same_directory_is_refused(promoted_run: Run) -> None:
    with started("demo", *promoted_run.arguments, "--cut-date", "2023-05-22") as process:
        wait_for(lambda: processes(promoted_run.out).keys() - {process.pid}, "the pipeline")
        second = aisle("demo", *promoted_run.arguments)
        assert (second.returncode, len(second.stderr.splitlines())) == (2, 1)
        assert "another run is using it" in second.stderr
        process.kill()  # no process is left to clean up
    assert_nothing_runs(promoted_run.out)


def _results(out: Path) -> dict[str, str]:
    """What a run must not touch before its end."""
    return {name: (out / name).read_text() for name in ("summary.json", "report.html", "registry/state.json")}


def _infer(port: int, user_id: str) -> dict:  # type: ignore[type-arg]
    tensors = [
        {"name": "user_id", "shape": [1], "datatype": "BYTES", "data": [user_id]},
        {"name": "k", "shape": [1], "datatype": "INT32", "data": [5]},
    ]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(
        "POST", "/v2/models/aisle/infer", json.dumps({"inputs": tensors}), {"Content-Type": "application/json"}
    )
    response = connection.getresponse()
    assert response.status == 200
    return json.loads(response.read())  # type: ignore[no-any-return]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
