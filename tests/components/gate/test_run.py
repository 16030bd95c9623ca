"""The gate stage on files: what it reads, what it leaves behind."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from components.gate.run import judge_candidate
from model.evaluation.next_basket_task import load_task
from model.files import read_json, write_json
from tests.components.evaluate.world import write_examples
from tests.components.gate.evaluation import GOOD
from tfx_configs import recipes

SETTINGS = recipes.full()


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_examples(tmp_path_factory.mktemp("examples"))


def good_for(examples: Path) -> dict[str, Any]:
    task = load_task(examples)
    trips = len(task.trip_N)
    slices = [row | {"trips": trips // 2} for row in GOOD["slices"]]
    tfma = GOOD["tfma"] | {"example_count": trips}
    return GOOD | {"digest": task.digest, "trips": trips, "slices": slices, "tfma": tfma}


def judge(examples: Path, evaluation: Path, why: str = "", who: str = "") -> bool:
    return judge_candidate(
        settings=SETTINGS.gate,
        examples=examples,
        evaluation=evaluation,
        verdict_file=evaluation / "verdict.json",
        table_file=evaluation / "table.md",
        override_reason=why,
        override_by=who,
        code_version="c1",
    )


def test_a_good_evaluation_of_these_examples_is_blessed_and_written_down(examples: Path, tmp_path: Path) -> None:
    write_json(tmp_path / "metrics.json", good_for(examples))
    assert judge(examples, tmp_path) is True
    verdict = read_json(tmp_path / "verdict.json")
    assert verdict["blessed"] and not verdict["overridden"] and verdict["code_version"] == "c1"
    keys = {"check", "passed", "unproven", "trips_needed", "value", "threshold", "message", "group"}
    assert verdict["outcome"] == "blessed" and all(set(reason) == keys for reason in verdict["reasons"])
    assert (tmp_path / "table.md").read_text().startswith("# Blessed")


def test_the_same_evaluation_of_other_examples_is_not_blessed(examples: Path, tmp_path: Path) -> None:
    write_json(tmp_path / "metrics.json", good_for(examples))
    other = write_examples(tmp_path / "other", shoppers=39)
    assert judge(other, tmp_path) is False
    failed = [r["check"] for r in read_json(tmp_path / "verdict.json")["reasons"] if not r["passed"]]
    assert "data" in failed and "trips" in failed


@pytest.mark.parametrize("content", [None, b"", b"{half", b"[1]", b"\xff\xfe"])
def test_without_a_readable_evaluation_the_answer_is_no(examples: Path, tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "metrics.json").write_bytes(content)
    assert judge(examples, tmp_path) is False
    assert read_json(tmp_path / "verdict.json")["blessed"] is False


def test_an_override_is_reported_with_name_time_and_reason(
    examples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judge(examples, tmp_path, "the evaluation's disk is lost", "maria") is True
    assert "BLESSED BY OVERRIDE of maria at 20" in capsys.readouterr().out
    assert "the evaluation's disk is lost" in (tmp_path / "table.md").read_text().splitlines()[0]
    verdict = read_json(tmp_path / "verdict.json")
    assert (
        verdict["overridden"] and verdict["override"]["by"] == "maria" and "same data" in verdict["override"]["checks"]
    )
    moment = datetime.fromisoformat(verdict["override"]["at"])
    assert abs((datetime.now(UTC) - moment).total_seconds()) < 60


@pytest.mark.parametrize(("why", "who"), [("ok", "maria"), ("   ", "maria"), ("", "maria"), ("y" * 30, "")])
def test_an_override_without_a_name_or_a_real_reason_is_refused_and_the_verdict_remains(
    examples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], why: str, who: str
) -> None:
    assert judge(examples, tmp_path, why, who) is False
    verdict = read_json(tmp_path / "verdict.json")
    assert verdict["override"] is None and verdict["override_refused"].startswith("override: expected")
    assert f"OVERRIDE REFUSED: {verdict['override_refused']}" in capsys.readouterr().out
