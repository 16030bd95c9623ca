"""`aisle submit` with the real kfp.Client against a server that speaks its API."""

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.kfp_support import server_client as kfp_server
from components.kfp_support.server_client import KfpServer
from model.errors import CheckFailed, InputError, StageFailed
from pipelines.cli import main
from pipelines.submission import Package, compiled, cron_of, follow, parameters
from tests.pipelines.kfp_api import FakeKfp, fake_kfp
from tfx_configs.settings import RunSettings

DATA = ("--data", "/registry/tables", "--data-version", "2017-12-04")
TITLES = {"ingest": "Ingest", "gate": "Gate"}


@pytest.fixture
def kfp() -> Iterator[FakeKfp]:
    with fake_kfp() as fake:
        yield fake


def _details(**states: str) -> dict[str, Any]:
    tasks = [{"display_name": name.replace("_", "-"), "state": state} for name, state in states.items()]
    return {"run_details": {"task_details": tasks}}


def test_a_run_is_started_in_its_experiment_with_its_parameters(
    kfp: FakeKfp, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["submit", "--host", kfp.host, "--no-wait", "--name", "monday", *DATA, "--fast"]
    arguments += ["--set", "train.dimension=16", "--param", "canary_percent=20"]
    arguments += ["--param", "canary_runtime=aisle-0-2-0", "--set", "resources.events=14700000"]
    arguments += ["--param", "gate_memory=3G"]
    assert main(arguments) == 0
    (experiment,), (run,) = kfp.experiments.values(), kfp.runs.values()
    assert (experiment["display_name"], run["experiment_id"]) == ("aisle", experiment["experiment_id"])
    assert run["display_name"] == "monday"
    values = run["runtime_config"]["parameters"]
    assert values["data_version"] == "2017-12-04" and values["canary_percent"] == 20
    assert values["canary_runtime"] == "aisle-0-2-0"
    assert (values["examples_memory"], values["examples_cpu"], values["gate_memory"]) == ("11G", "4", "3G")
    settings = RunSettings.from_json(values["settings"])
    assert settings.train.dimension == 16 and settings.data.path == "/registry/tables"
    # The whole file: the pipeline, and what it asks of Kubernetes.
    assert run["pipeline_spec"]["pipeline_spec"]["pipelineInfo"]["name"] == "aisle-cluster"
    assert "kubernetes" in run["pipeline_spec"]["platform_spec"]["platforms"]
    assert capsys.readouterr().out == f"monday: {kfp.host}/#/runs/details/{run['run_id']}\n"


def test_a_second_run_goes_into_the_same_experiment(kfp: FakeKfp) -> None:
    for _ in range(2):
        assert main(["submit", "--host", kfp.host, "--no-wait", "--pipeline", "rollout"]) == 0
    assert (len(kfp.experiments), len(kfp.runs)) == (1, 2)


def test_the_wait_prints_each_change_of_a_step_once_and_nothing_of_kfps_own_nodes(kfp: FakeKfp) -> None:
    kfp.script = [
        {"state": "RUNNING"} | _details(root="RUNNING", ingest_driver="RUNNING"),
        {"state": "RUNNING"} | _details(root="RUNNING", ingest="RUNNING"),
        {"state": "RUNNING"} | _details(root="RUNNING", ingest="RUNNING"),
        {"state": "SUCCEEDED"} | _details(root="SUCCEEDED", ingest="SUCCEEDED", gate="SUCCEEDED"),
    ]
    printed: list[str] = []
    server = KfpServer(kfp.host)
    run = server.start(server.experiment("x"), "r", _package(Path("unused")).path, {})
    follow(server, run, TITLES, printed.append, limit_s=5, every_s=0.01)
    assert [line.split(" s  ")[1].split() for line in printed] == [
        ["Ingest", "running"],
        ["Ingest", "succeeded"],
        ["Gate", "succeeded"],
    ]


def test_a_run_that_fails_is_exit_1_with_the_step_and_its_words(
    kfp: FakeKfp, capsys: pytest.CaptureFixture[str]
) -> None:
    task = {"display_name": "rollout-step", "state": "FAILED", "error": {"code": 2, "message": "canary\nnot ready"}}
    kfp.script = [{"state": "FAILED", "run_details": {"task_details": [task]}}]
    assert main(["submit", "--host", kfp.host, "--pipeline", "rollout"]) == 1
    (run,) = kfp.runs
    assert capsys.readouterr().err == (
        f"aisle: the run failed at One step (canary not ready); its log: {kfp.host}/#/runs/details/{run}\n"
    )


def test_a_canceled_run_is_not_waited_for_for_ever(kfp: FakeKfp) -> None:
    kfp.script = [{"state": "CANCELED"}]
    with pytest.raises(CheckFailed, match="the run canceled; its log"):
        _follow_one(kfp)


def test_a_run_that_takes_too_long_is_left_alone(kfp: FakeKfp) -> None:
    kfp.script = [{"state": "RUNNING"}]
    with pytest.raises(StageFailed, match=r"waited 0 s for the run, which goes on; http"):
        _follow_one(kfp)


def test_a_short_silence_of_the_server_is_borne(kfp: FakeKfp, monkeypatch: pytest.MonkeyPatch) -> None:
    server = KfpServer(kfp.host)
    run = server.start(server.experiment("x"), "r", _package(Path("unused")).path, {})
    kfp.refuse = (503, "starting")
    silent = iter([None, None])
    real = server.run

    def get_run(run_id: str) -> Any:
        kfp.refuse = kfp.refuse if next(silent, "again") is None else None
        return real(run_id)

    monkeypatch.setattr(server, "run", get_run)
    follow(server, run, TITLES, lambda _: None, limit_s=5, every_s=0.01)


def test_a_server_that_takes_a_request_and_never_answers_is_given_up(
    kfp: FakeKfp, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, over = KfpServer(kfp.host), threading.Event()
    monkeypatch.setattr(kfp_server, "ANSWER_S", (1.0, 0.05))
    monkeypatch.setattr(kfp, "answer", lambda *_: (over.wait(10), (200, {}))[1])
    with pytest.raises(InputError, match="nothing answers"):
        server.run("run-1")
    over.set()


def test_a_host_that_does_not_answer_is_one_line_and_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"http://127.0.0.1:{free.getsockname()[1]}"
    assert main(["submit", "--host", host, "--list"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"aisle: expected a KFP API server at {host}, nothing answers") and error.count("\n") == 1


def test_a_page_in_place_of_the_api_is_reported(kfp: FakeKfp, capsys: pytest.CaptureFixture[str]) -> None:
    kfp.content_type = "text/html"
    assert main(["submit", "--host", kfp.host, "--list"]) == 2
    assert f"expected KFP's API at {kfp.host}, got a page" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (400, 2, "refused (400: the pipeline spec is invalid)"),
        (403, 2, "not allowed (403: the pipeline spec is invalid); give --token-file"),
        (500, 1, "the server failed (500: the pipeline spec is invalid)"),
    ],
)
def test_what_the_server_refuses_is_reported_in_its_words(
    kfp: FakeKfp, capsys: pytest.CaptureFixture[str], status: int, code: int, message: str
) -> None:
    kfp.refuse = (status, "the pipeline spec\nis invalid")
    assert main(["submit", "--host", kfp.host, "--pipeline", "rollout"]) == code
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--host", "localhost:8888", "--list"), "expected --host http://... or https://..., got 'localhost:8888'"),
        (("--pipeline", "training"), "expected --pipeline cluster, rollout, monitoring, lists, got 'training'"),
        (("--data", "/registry/tables"), "expected --data-version with --data"),
        (("--pipeline", "rollout", "--fast"), "go with --pipeline cluster"),
        ((*DATA, "--param", "canary=1"), "parameter canary: unknown to aisle-cluster; it has baselines_cpu"),
        ((*DATA, "--param", "canary_percent=ten"), "parameter canary_percent: expected integer, got 'ten'"),
        ((*DATA, "--set", "train.dimensions=8"), "unknown in TrainSettings"),
        ((*DATA, "--set", "data.sample_percent=much"), "setting data.sample_percent: expected float"),
        ((*DATA, "--set", "dimension"), "expected --set section.field=value"),
        (("--recurring", "monday"), "expected --recurring with 5 or 6 fields of cron"),
        (
            ("--list", "--recurring", "0 2 * * 1"),
            "expected one of --recurring, --list, --disable, got --recurring and --list",
        ),
        (("--token-file", "/nowhere", "--list"), "expected a token in /nowhere"),
        (("--token-file", "/dev/null", "--list"), "expected a token in /dev/null, found 0 words"),
        (("--timeout-s", "0"), "--timeout-s: expected seconds above 0, got 0"),
        (("--timeout-s", "nan"), "'--timeout-s': expected a number, got 'nan'"),
    ],
)
def test_bad_input_is_one_line_before_the_server_is_asked(
    arguments: tuple[str, ...], message: str, kfp: FakeKfp, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["submit", "--host", kfp.host, *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not kfp.runs and not kfp.experiments


def test_a_schedule_is_made_once_and_replaced_when_something_changed(
    kfp: FakeKfp, capsys: pytest.CaptureFixture[str]
) -> None:
    rollout = ["submit", "--host", kfp.host, "--pipeline", "rollout", "--recurring", "*/5 * * * *"]
    done = []
    for extra in ([], [], ["--param", "namespace=other"]):
        assert main([*rollout, *extra]) == 0
        done.append(capsys.readouterr().out.split(": ")[1].split(",")[0])
        assert len(kfp.schedules) == 1
    assert done == ["made", "unchanged", "replaced"]
    (schedule,) = kfp.schedules.values()
    assert schedule["display_name"] == "aisle-rollout" and schedule["max_concurrency"] == 1
    assert schedule["trigger"]["cron_schedule"]["cron"] == "0 */5 * * * *" and schedule["no_catchup"] is True
    assert schedule["runtime_config"]["parameters"] == {"namespace": "other"}


def test_a_schedule_is_listed_disabled_and_enabled_again(kfp: FakeKfp, capsys: pytest.CaptureFixture[str]) -> None:
    make = ["submit", "--host", kfp.host, "--pipeline", "monitoring", "--recurring", "0 * * * *"]
    assert main(make) == 0
    assert main(["submit", "--host", kfp.host, "--disable", "aisle-monitoring"]) == 0
    assert main(["submit", "--host", kfp.host, "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].split()[:2] == ["aisle-monitoring", "disabled"]
    assert main(make) == 0
    assert "enabled again" in capsys.readouterr().out
    assert next(iter(kfp.schedules.values()))["mode"] == "ENABLE"


def test_a_schedule_of_another_maker_is_left_alone(kfp: FakeKfp, capsys: pytest.CaptureFixture[str]) -> None:
    kfp.schedules["a"] = {"recurring_run_id": "a", "display_name": "aisle-rollout", "mode": "ENABLE"}
    assert main(["submit", "--host", kfp.host, "--pipeline", "rollout", "--recurring", "*/5 * * * *"]) == 2
    assert "there is one that `aisle submit` did not make" in capsys.readouterr().err
    assert list(kfp.schedules) == ["a"]


def test_no_schedule_to_disable_is_an_input_error(kfp: FakeKfp, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["submit", "--host", kfp.host, "--disable", "nightly"]) == 2
    assert "schedule nightly: there is none" in capsys.readouterr().err


def test_a_schedule_of_training_never_takes_old_tables_from_the_cache(kfp: FakeKfp) -> None:
    arguments = ["--data", "/registry/tables", "--recurring", "0 2 * * 1"]
    assert main(["submit", "--host", kfp.host, *arguments]) == 0
    (schedule,) = kfp.schedules.values()
    assert schedule["runtime_config"]["parameters"]["data_version"] == "each-run"


def test_the_token_goes_with_every_request(kfp: FakeKfp, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    assert main(["submit", "--host", kfp.host, "--token-file", str(tmp_path / "token"), "--list"]) == 0
    assert set(kfp.tokens) == {"Bearer secret"}
    (tmp_path / "token").write_bytes(b"\xff\xfe")
    assert main(["submit", "--host", kfp.host, "--token-file", str(tmp_path / "token"), "--list"]) == 2


def test_steps_are_named_by_their_titles_and_groups_are_none(tmp_path: Path) -> None:
    titles = compiled("cluster", tmp_path).titles
    assert titles["ingest"] == "Ingest" and titles["release"] == "Release as canary"
    assert not {"training", "aisle-training", "exit-handler-1"} & set(titles)


def test_a_parameter_without_a_default_must_be_given(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="parameter a: x has no default for it"):
        parameters(_package(tmp_path, {"a": {"parameterType": "STRING"}}), {})


def test_parameters_are_typed_as_in_the_pipeline(tmp_path: Path) -> None:
    kinds = {"s": "STRING", "i": "NUMBER_INTEGER", "d": "NUMBER_DOUBLE", "b": "BOOLEAN"}
    package = _package(tmp_path, {name: {"parameterType": kind} for name, kind in kinds.items()})
    texts = {"s": "7", "i": "7", "d": "7", "b": "true"}
    assert json.dumps(parameters(package, texts)) == '{"s": "7", "i": 7, "d": 7, "b": true}'
    with pytest.raises(InputError, match="parameter i: expected integer, got 'true'"):
        parameters(package, texts | {"i": "true"})


def test_cron_of_five_fields_gets_its_seconds() -> None:
    assert [cron_of(schedule) for schedule in ("0 2 * * 1", "30 0 2 ? * MON", "@hourly")] == [
        "0 0 2 * * 1",
        "30 0 2 ? * MON",
        "@hourly",
    ]


def _package(folder: Path, inputs: dict[str, dict[str, Any]] | None = None) -> Package:
    path = Path(__file__).parents[2] / "pipelines" / "compiled" / "rollout.yaml"
    return Package(path=path, name="x", text="", inputs=inputs or {}, titles={})


def _follow_one(kfp: FakeKfp) -> None:
    server = KfpServer(kfp.host)
    run = server.start(server.experiment("x"), "r", _package(Path("unused")).path, {})
    follow(server, run, TITLES, lambda _: None, limit_s=0, every_s=0.01)


def test_the_help_names_the_pipelines_whose_runs_take_settings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["submit", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "The settings of the run (--data, --cut-date, --fast, --config, --set) go with --pipeline cluster" in text
    assert "and with --retrain" in text
