"""`aisle rollout shadow` on a run's registry: real servers around the fake model, a real Envoy, replayed trips."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.rollout.shadow_comparison import Comparison
from model.errors import InputError
from model.package.manifest import write_manifest
from model.registry.model_registry import Registry
from pipelines.cli import main
from pipelines.commands.output import text
from pipelines.local.run_directory import Paths
from pipelines.local.shadow import shadow
from tests.components.rollout.decision.weekly import weekly_trips
from tests.model.serving.fake_server import write_model
from tfx_configs.settings import RunSettings

FAKE = "tests.model.serving.fake_server"


def _run(folder: Path, **canary: Any) -> Path:
    """A finished run with a stable model that recommends what shoppers bought, and a canary."""
    paths, registry = Paths(out=folder / "run"), Registry(folder / "run" / "registry")
    weekly_trips().save(folder / "examples" / "trips")
    for name, fields in (("one", {}), ("two", canary)):
        directory = write_model(folder / name, name, **fields)
        write_manifest(directory, kind="fake", cut_s=0, items=0, retrieved=0, ranked=0, index={})
        (registry.set_stable if name == "one" else registry.set_canary)(registry.add(directory))
    paths.request.write_text(json.dumps({"arguments": {"settings": RunSettings().to_json()}}))
    paths.result.write_text(json.dumps({"examples": str(folder / "examples")}))
    return paths.out


def test_an_equal_shadow_sees_every_request_and_gives_the_same_answers(tmp_path: Path) -> None:
    run = _run(tmp_path)
    state = Registry(run / "registry").state()
    comparison = shadow(run, None, 60, 100, FAKE)
    assert (comparison.answered, comparison.copies, comparison.compared, comparison.unanswered) == (60, 60, 60, 0)
    assert (comparison.failed_requests, comparison.answered_by_shadow) == (0, 0)
    assert comparison.overlap is not None
    assert (comparison.same_list, comparison.overlap["mean"]) == (1.0, 1.0)
    assert comparison.rank_correlation == pytest.approx(1.0, abs=1e-12)
    assert comparison.score_drift == {"mean": 0.0, "p5": 0.0, "p95": 0.0}
    assert Comparison.load(run / "shadow") == comparison
    assert json.loads((run / "shadow" / "shadow.json").read_text())["unanswered"] == 0
    assert Registry(run / "registry").state() == state
    assert not (run / "rollout").exists()
    assert "100.0 % of the lists the same" in text("shadow", c=comparison)


def test_a_shadow_of_half_the_requests_whose_model_fails_costs_no_client_an_answer_and_its_log_shows_it_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = _run(tmp_path, fail=True, items=["item-of-its-own"])
    comparison = shadow(run, None, 60, 50, FAKE)
    assert (comparison.failed_requests, comparison.answered) == (0, 60)
    # Five standard deviations of Binomial(60, 0.5): 19.
    assert abs(comparison.copies - 30) < 20
    assert comparison.compared + comparison.unanswered == comparison.copies
    assert "full > full" not in comparison.rungs
    assert main(["rollout", "shadow", "--log", str(run / "shadow" / "requests")]) == 0
    assert (
        f"60 requests answered, {comparison.compared} copied, {comparison.compared} compared" in capsys.readouterr().out
    )


def test_what_cannot_be_replayed_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = _run(tmp_path)
    with pytest.raises(InputError, match=r"--version: expected a model in .*, got nine"):
        shadow(run, "nine", 10, 100, FAKE)
    with pytest.raises(InputError, match="nowhere: expected a run with a stable model, got none"):
        shadow(tmp_path / "nowhere", None, 10, 100, FAKE)
    Registry(run / "registry").drop_canary()
    with pytest.raises(InputError, match="expected a canary in the registry, got none"):
        shadow(run, None, 10, 100, FAKE)
    with pytest.raises(InputError, match="expected --requests of 1 or more and --percent of 1 to 100, got 10 and 0"):
        shadow(run, None, 10, 0, FAKE)
    assert main(["rollout", "shadow", "--namespace", "aisle"]) == 2
    assert "with --log LOG" in capsys.readouterr().err
