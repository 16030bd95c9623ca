"""`aisle rollout` on a run's registry: commands; steps with real servers, the fake model and a real Envoy."""

import threading
from pathlib import Path
from typing import Any

import pytest

from components.rollout.decision.states import Command, State
from components.rollout.local import rollout as local_rollout
from components.rollout.local.envoy_config import routes
from components.rollout.local.envoy_process import rds_file
from components.rollout.rollout_record import RolloutRecord, change
from model.errors import CheckFailed, InputError
from model.files import read_json, write_json
from model.package.manifest import write_manifest
from model.registry.model_registry import Registry
from pipelines.cli import main
from pipelines.commands.rollout import app
from pipelines.local.rollout_operator import RunTraffic
from pipelines.local.run_directory import Paths
from tests.components.rollout.decision.weekly import weekly_trips
from tests.model.serving.fake_server import write_model
from tfx_configs.rollout import RolloutSettings
from tfx_configs.settings import RunSettings

ACTIONS = sorted(str(command.name or command.callback.__name__) for command in app.registered_commands)
FAKE = "tests.model.serving.fake_server"
PLAN = RolloutSettings(percents=(50, 100), min_canary_requests=5, p99_floor_ms=2000.0)
SETTINGS = RunSettings(replay_requests=60, rollout=PLAN)


def _model(registry: Registry, name: str, folder: Path, **fields: Any) -> str:
    directory = write_model(folder / name, name, **fields)
    write_manifest(directory, kind="fake", cut_s=0, items=0, retrieved=0, ranked=0, index={})
    return registry.add(directory)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run: its trips and settings, a stable model and a canary in the registry."""
    paths = Paths(out=tmp_path / "run")
    weekly_trips().save(tmp_path / "examples" / "trips")
    write_json(paths.request, {"arguments": {"settings": SETTINGS.to_json()}})
    write_json(paths.result, {"examples": str(tmp_path / "examples")})
    registry = Registry(paths.registry)
    registry.set_stable(_model(registry, "one", tmp_path))
    registry.set_canary(_model(registry, "two", tmp_path))
    return paths.out


def _registry(run: Path) -> tuple[str | None, str | None, str | None]:
    state = Registry(run / "registry").state()
    return state.stable, state.canary, state.previous


def _record(run: Path) -> RolloutRecord:
    return RolloutRecord.load(run / "rollout")


def test_a_canary_is_declared_once_at_the_plans_first_share(run: Path) -> None:
    stable, candidate, _ = _registry(run)
    traffic = RunTraffic(run=run)
    status = traffic.declare(None, "maria")
    assert (status.roles.stable, status.roles.canary, status.percent, status.state) == (
        stable,
        candidate,
        50,
        State.RUNNING,
    )
    record = _record(run)
    assert (record.stable_before, record.candidate) == (stable, candidate)
    assert traffic.declare(candidate, "otto") == status and _record(run) == record


def test_promoted_by_command_and_taken_back(run: Path) -> None:
    stable, candidate, _ = _registry(run)
    traffic = RunTraffic(run=run)
    traffic.declare(None, "maria")
    traffic.command(Command.PROMOTE, "maria")
    assert (_record(run).state, _record(run).percent) == (State.PROMOTED, 100)
    assert _registry(run) == (candidate, None, stable)
    traffic.command(Command.ROLLBACK, "otto")
    assert (_record(run).state, _record(run).percent) == (State.ROLLED_BACK, 0)
    assert _registry(run) == (stable, None, candidate)
    assert [entry.event for entry in _record(run).history][1:] == [
        "canary declared by maria",
        "promote by maria",
        "rollback by otto",
    ]


def test_a_rollback_by_command_writes_the_weights_that_a_running_envoy_takes_over(run: Path) -> None:
    stable, *_ = _registry(run)
    RunTraffic(run=run).declare(None, "maria")
    weights = rds_file(run / "rollout")
    write_json(weights, routes(10, "1-10"))
    RunTraffic(run=run).command(Command.ROLLBACK, "maria")
    assert read_json(weights) == routes(0, "command-1-0")
    assert _registry(run) == (stable, None, None)


def test_what_the_state_does_not_allow_is_refused_and_changes_nothing(run: Path) -> None:
    with pytest.raises(InputError, match="run rollout first"):
        RunTraffic(run=run).command(Command.ROLLBACK, "maria")
    RunTraffic(run=run).declare(None, "maria")
    before = _record(run)
    with pytest.raises(InputError, match="cannot resume one that is running"):
        RunTraffic(run=run).command(Command.RESUME, "maria")
    Registry(run / "registry").drop_canary()
    with pytest.raises(InputError, match="expected a canary to promote"):
        RunTraffic(run=run).command(Command.PROMOTE, "maria")
    with pytest.raises(InputError, match="in the registry, it has None"):
        RunTraffic(run=run).step()
    assert _record(run) == before


def test_a_version_that_cannot_be_a_canary_is_refused(run: Path, tmp_path: Path) -> None:
    stable, *_ = _registry(run)
    with pytest.raises(InputError, match="expected a model in"):
        RunTraffic(run=run).declare("nowhere", "maria")
    with pytest.raises(InputError, match="expected letters, digits"):
        RunTraffic(run=run).declare("..", "maria")
    with pytest.raises(InputError, match="expected a version beside a stable one"):
        RunTraffic(run=run).declare(stable, "maria")
    RunTraffic(run=run).declare(None, "maria")
    three = _model(Registry(run / "registry"), "three", tmp_path)
    with pytest.raises(InputError, match="is still running; promote it or roll it back first"):
        RunTraffic(run=run).declare(three, "otto")
    with pytest.raises(InputError, match="expected a canary in the registry, got none"):
        RunTraffic(run=tmp_path / "empty").declare(None, "maria")


def test_steps_follow_the_plan_one_at_a_time_but_not_while_held_and_the_registry_follows(run: Path) -> None:
    stable, candidate, _ = _registry(run)
    RunTraffic(run=run).declare(None, "maria")
    assert RunTraffic(run=run).command(Command.HOLD, "maria").state == State.HELD
    held = RunTraffic(run=run).step(server_module=FAKE)
    assert (held.final_state, held.steps[-1].reasons) == (State.HELD, ("held: by an operator; resume it first",))
    assert RunTraffic(run=run).command(Command.RESUME, "maria").state == State.RUNNING
    for percent, decision in ((50, "step"), (100, "promote")):
        result = RunTraffic(run=run).step(server_module=FAKE)
        assert (result.steps[-1].declared_percent, result.steps[-1].decision) == (percent, decision)
        assert result.failed_requests == 0
        played = sum(taken.requests for taken in result.steps)
        assert _record(run).next_trip == played
    assert _registry(run) == (candidate, None, stable)
    with pytest.raises(InputError, match="expected a running one, it is promoted"):
        RunTraffic(run=run).step()


def test_a_rollback_by_command_during_a_step_stays_and_the_steps_result_is_dropped(run: Path) -> None:
    stable, *_ = _registry(run)
    RunTraffic(run=run).declare(None, "maria")
    came = threading.Event()

    def interfere(_: object) -> None:
        if not came.is_set():
            came.set()
            RunTraffic(run=run).command(Command.ROLLBACK, "otto")

    with pytest.raises(CheckFailed, match="'rollback by otto' happened in between"):
        RunTraffic(run=run).step(interfere, FAKE)
    record = _record(run)
    assert (record.state, record.percent, record.steps) == ("rolled_back", 0, ())
    assert _registry(run) == (stable, None, None)


def test_a_promotion_that_is_interrupted_afterwards_can_still_be_taken_back(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stable, candidate, _ = _registry(run)
    RunTraffic(run=run).declare(None, "maria")

    def ended_then_interrupted(**_: object) -> None:
        RunTraffic(run=run).command(Command.PROMOTE, "maria")
        raise KeyboardInterrupt

    monkeypatch.setattr(local_rollout, "two_versions", ended_then_interrupted)
    with pytest.raises(KeyboardInterrupt):
        RunTraffic(run=run).step()
    assert _record(run).state == State.PROMOTED
    RunTraffic(run=run).command(Command.ROLLBACK, "maria")
    assert _registry(run) == (stable, None, candidate)


def test_when_all_trips_were_played_a_person_decides(run: Path) -> None:
    RunTraffic(run=run).declare(None, "maria")
    change(run / "rollout", lambda record: record.model_copy(update={"next_trip": 400}))
    with pytest.raises(InputError, match="all were played; promote it or roll it back"):
        RunTraffic(run=run).step()


def test_the_command_prints_the_state_in_one_line_and_ends_with_2_on_bad_input(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stable, candidate, _ = _registry(run)
    assert main(["rollout", "canary", "--run", str(run)]) == 0
    assert capsys.readouterr().out == f"stable {stable}  canary {candidate}  running at 50 %\n"
    assert main(["rollout", "promote", "--run", str(run)]) == 0
    assert capsys.readouterr().out == f"stable {candidate}  previous {stable}  promoted\n"
    assert main(["rollout", "hold", "--run", str(run)]) == 2
    assert capsys.readouterr().err.startswith("aisle: rollout: cannot hold one that is promoted; possible: rollback")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("canary",), "rollout canary: expected no --namespace: push declares a cluster's canary"),
        (("shadow",), "rollout shadow: expected no --namespace: a cluster's gateway makes the copies"),
        (("shadow", "--log", "nowhere"), "rollout shadow: expected no --namespace"),
        (("step",), "expected --prometheus URL with --namespace, got none"),
    ],
)
def test_what_a_cluster_needs_is_named(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rollout", *arguments, "--namespace", "aisle"]) == 2
    assert capsys.readouterr().err.startswith(f"aisle: {message}")


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_offers_a_cluster_only_where_it_takes_one(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rollout", action, "--help"]) == 0
    assert ("--namespace" in capsys.readouterr().out) == (action not in ("canary", "shadow"))


@pytest.mark.parametrize("place", ["nowhere", "file"])
@pytest.mark.parametrize("action", [action for action in ACTIONS if action != "watch"])  # of a cluster alone
def test_where_no_run_is_every_action_reports_it_in_one_line_and_makes_nothing(
    action: str, place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("mine")
    assert main(["rollout", action, "--run", str(tmp_path / place)]) == 2
    output = capsys.readouterr()
    assert output.out == "" and output.err.count("\n") == 1 and f"/{place}" in output.err and "None" not in output.err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("action", ["step", "hold", "promote"])
def test_a_run_without_a_rollout_stays_as_it_is(action: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(run.rglob("*"))
    assert main(["rollout", action, "--run", str(run)]) == 2
    output = capsys.readouterr()
    assert output.out == "" and "run rollout first" in output.err
    assert sorted(run.rglob("*")) == before


def test_a_registry_whose_state_cannot_be_read_is_reported_in_one_line(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "registry" / "state.json").write_text("")
    assert main(["rollout", "canary", "--run", str(run)]) == 2
    error = capsys.readouterr().err
    assert "state.json: expected a registry's state" in error and error.count("\n") == 1
