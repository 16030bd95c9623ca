"""`aisle rollout` on a run's registry: hands at once; steps with real servers, the fake model and a real Envoy."""

import dataclasses
import threading
from pathlib import Path
from typing import Any

import pytest

from components.rollout.local.envoy_config import routes
from components.rollout.local.envoy_process import rds_file
from components.rollout.local.status_file import change, read_status
from model.errors import CheckFailed, InputError
from model.files import read_json, write_json
from model.package.manifest import write_manifest
from model.registry.model_registry import Registry
from pipelines.cli import main
from pipelines.commands.rollout import app
from pipelines.local import local_rollout as replay
from pipelines.local.rollout_operator import act, declare, step
from pipelines.local.run_directory import Paths
from tests.components.rollout.decision.weekly import weekly_trips
from tests.model.serving.fake_server import write_model
from tfx_configs.settings import RolloutSettings, RunSettings

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


def test_a_canary_is_declared_once_at_the_plans_first_share(run: Path) -> None:
    one, two, _ = _registry(run)
    status = declare(run, None, "maria")
    assert (status.stable, status.canary, status.percent, status.state) == (one, two, 50, "running")
    assert declare(run, two, "otto") == status == read_status(run / "rollout")


def test_promoted_by_hand_and_taken_back(run: Path) -> None:
    one, two, _ = _registry(run)
    declare(run, None, "maria")
    status = act(run, "promote", "maria")
    assert (status.state, status.percent, status.previous) == ("promoted", 100, one)
    assert _registry(run) == (two, None, one)
    status = act(run, "rollback", "otto")
    assert (status.state, status.percent) == ("rolled_back", 0)
    assert _registry(run) == (one, None, two)
    assert [line["event"] for line in status.history][1:] == [
        "canary declared by maria",
        "promote by maria",
        "rollback by otto",
    ]


def test_a_rollback_by_hand_writes_the_weights_that_a_running_envoy_takes_over(run: Path) -> None:
    one, *_ = _registry(run)
    declare(run, None, "maria")
    weights = rds_file(run / "rollout")
    write_json(weights, routes(10, "1-10"))
    act(run, "rollback", "maria")
    assert read_json(weights) == routes(0, "by-hand-1-0")
    assert _registry(run) == (one, None, None)


def test_what_the_state_does_not_allow_is_refused_and_changes_nothing(run: Path) -> None:
    with pytest.raises(InputError, match="run a rollout first"):
        act(run, "rollback", "maria")
    declare(run, None, "maria")
    before = read_status(run / "rollout")
    with pytest.raises(InputError, match="cannot resume one that is running"):
        act(run, "resume", "maria")
    Registry(run / "registry").drop_canary()
    with pytest.raises(InputError, match="expected a canary to promote"):
        act(run, "promote", "maria")
    with pytest.raises(InputError, match="in the registry, it has None"):
        step(run)
    assert read_status(run / "rollout") == before


def test_a_version_that_cannot_be_a_canary_is_refused(run: Path, tmp_path: Path) -> None:
    one, *_ = _registry(run)
    with pytest.raises(InputError, match="expected a model in"):
        declare(run, "nowhere", "maria")
    with pytest.raises(InputError, match="expected a model in"):
        declare(run, "..", "maria")
    with pytest.raises(InputError, match="expected a version beside a stable one"):
        declare(run, one, "maria")
    declare(run, None, "maria")
    three = _model(Registry(run / "registry"), "three", tmp_path)
    with pytest.raises(InputError, match="is still running; promote it or roll it back first"):
        declare(run, three, "otto")
    with pytest.raises(InputError, match="expected a canary in the registry, got none"):
        declare(tmp_path / "empty", None, "maria")


def test_steps_walk_the_plan_one_at_a_time_but_not_while_held_and_the_registry_follows(run: Path) -> None:
    one, two, _ = _registry(run)
    declare(run, None, "maria")
    assert act(run, "hold", "maria").state == "held"
    held = step(run, server_module=FAKE)
    assert (held.final_state, held.steps[-1]["reasons"]) == ("held", ["held: by hand; resume it by hand"])
    assert act(run, "resume", "maria").state == "running"
    for percent, decision in ((50, "step"), (100, "promote")):
        result = step(run, server_module=FAKE)
        assert (result.steps[-1]["declared_percent"], result.steps[-1]["decision"]) == (percent, decision)
        assert result.failed_requests == 0
        played = sum(record["requests"] for record in result.steps)
        assert read_status(run / "rollout").next_trip == played
    assert _registry(run) == (two, None, one)
    assert read_status(run / "rollout").previous == one
    with pytest.raises(InputError, match="expected a running one, it is promoted"):
        step(run)


def test_a_rollback_by_hand_during_a_step_stands_and_the_steps_result_is_dropped(run: Path) -> None:
    one, *_ = _registry(run)
    declare(run, None, "maria")
    came = threading.Event()

    def interfere(_: object) -> None:
        if not came.is_set():
            came.set()
            act(run, "rollback", "otto")

    with pytest.raises(CheckFailed, match="'rollback by otto' happened in between"):
        step(run, interfere, FAKE)
    status = read_status(run / "rollout")
    assert (status.state, status.percent, status.steps) == ("rolled_back", 0, ())
    assert _registry(run) == (one, None, None)


def test_who_interrupts_after_a_promotion_can_still_take_it_back(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two, _ = _registry(run)
    declare(run, None, "maria")

    def ended_then_interrupted(*_: object) -> None:
        act(run, "promote", "maria")
        raise KeyboardInterrupt

    monkeypatch.setattr(replay, "model_server", ended_then_interrupted)
    with pytest.raises(KeyboardInterrupt):
        step(run)
    assert read_status(run / "rollout").state == "promoted"
    act(run, "rollback", "maria")
    assert _registry(run) == (one, None, two)


def test_when_all_trips_were_played_a_person_decides(run: Path) -> None:
    declare(run, None, "maria")
    change(run / "rollout", lambda now: dataclasses.replace(now, next_trip=400))
    with pytest.raises(InputError, match="all were played; promote or roll back by hand"):
        step(run)


def test_the_command_says_the_state_in_one_line_and_ends_with_2_on_bad_input(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two, _ = _registry(run)
    assert main(["rollout", "canary", "--run", str(run)]) == 0
    assert capsys.readouterr().out == f"stable {one}  canary {two}  running at 50 %\n"
    assert main(["rollout", "promote", "--run", str(run)]) == 0
    assert capsys.readouterr().out == f"stable {two}  previous {one}  promoted\n"
    assert main(["rollout", "hold", "--run", str(run)]) == 2
    assert capsys.readouterr().err.startswith("aisle: rollout: cannot hold one that is promoted; possible: rollback")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("canary",), "rollout canary: expected no --namespace: push declares a cluster's canary"),
        (("shadow",), "rollout shadow: expected no --namespace: a cluster's gateway makes the copies"),
        (("shadow", "--log", "nowhere"), "rollout shadow: expected no --namespace"),
        (("step",), "expected --prometheus URL with --namespace, got none"),
    ],
)
def test_what_a_cluster_needs_is_said(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rollout", *arguments, "--namespace", "aisle"]) == 2
    assert capsys.readouterr().err.startswith(f"aisle: {said}")


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_offers_a_cluster_only_where_it_takes_one(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rollout", action, "--help"]) == 0
    assert ("--namespace" in capsys.readouterr().out) == (action not in ("canary", "shadow"))


@pytest.mark.parametrize("place", ["nowhere", "file"])
@pytest.mark.parametrize("action", ACTIONS)
def test_where_no_run_is_every_action_says_so_in_one_line_and_makes_nothing(
    action: str, place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("mine")
    assert main(["rollout", action, "--run", str(tmp_path / place)]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1 and f"/{place}" in told.err and "None" not in told.err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("action", ["step", "hold", "promote"])
def test_a_run_without_a_rollout_stays_as_it_is(action: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(run.rglob("*"))
    assert main(["rollout", action, "--run", str(run)]) == 2
    told = capsys.readouterr()
    assert told.out == "" and "run a rollout first" in told.err
    assert sorted(run.rglob("*")) == before


def test_a_registry_whose_state_cannot_be_read_is_told_in_one_line(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "registry" / "state.json").write_text("")
    assert main(["rollout", "canary", "--run", str(run)]) == 2
    error = capsys.readouterr().err
    assert "state.json: expected a registry's state" in error and error.count("\n") == 1
