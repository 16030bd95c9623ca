"""`aisle experiment` on a request log and tables whose answer is known."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model.request_log.reader import SCHEMA
from pipelines.cli import main
from tests import worlds

SHOPPERS, WEEKS = 400, 8
BEGIN_WEEK = 4
SINCE = ["--since", f"{worlds.at(7 * BEGIN_WEEK).isoformat()}Z"]


def _world(
    folder: Path, treated_hit: float = 0.5, lost: int = 0, tester: bool = False, event_type: str = "purchase"
) -> list[str]:
    """Writes a log and tables; returns the arguments that name them.

    Every shopper asks once a week and is shown a, b; ten minutes later they buy a with their own probability (in the
    treatment from week 4 on, with `treated_hit`), and always x. Every second shopper is treated; of those, the first
    `lost` have no row in the log.
    """
    rng = np.random.default_rng(2)
    taste = rng.random(SHOPPERS)
    rows: list[dict[str, Any]] = []
    bought = []
    for week in range(WEEKS):
        for n in range(SHOPPERS):
            treated = n % 2 == 1 and week >= BEGIN_WEEK
            day, user = 7 * week + n / SHOPPERS, f"u{n:03d}"
            rows.append(_row(f"{user}-{week}", "v2" if treated else "v1", user, worlds.seconds(day)))
            likes = rng.random() < (treated_hit if treated else taste[n])
            bought.append((user, day + 10 / 1440, "a x" if likes else "x"))
    bought.append(("u000", 7 * WEEKS, "x"))
    if tester:
        rows += [_row("named", "v2", "u000", worlds.seconds(50), "named")]
    gone = {f"u{n:03d}" for n in range(1, 2 * lost, 2)}
    rows = [row for row in rows if row["user_id"] not in gone]
    (folder / "log").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), folder / "log" / "v1-1-1-1.parquet")
    events = worlds.purchases(*bought).assign(event_type=event_type, quantity=1.0)
    worlds.write(folder / "tables", events=events)
    return [str(folder / "log"), "--tables", str(folder / "tables")]


def _row(request_id: str, version: str, user: str, time_s: int, route: str = "split") -> dict[str, Any]:
    return {
        "request_id": request_id,
        "version": version,
        "user_id": user,
        "time_s": time_s,
        "logged_s": float(time_s),
        "store_id": "s1",
        "route": route,
        "item_ids": ["a", "b"],
    }


VERSIONS = ["--control", "v1", "--treatment", "v2"]


def test_a_treatment_that_nearly_everybody_likes_is_found_better(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = _world(tmp_path, treated_hit=0.9, tester=True)
    assert main(["experiment", "read", *place, *VERSIONS, *SINCE, "--json", str(tmp_path / "read.json")]) == 0
    output = capsys.readouterr().out
    result = json.loads((tmp_path / "read.json").read_text())
    assert (result["split"]["control"], result["split"]["treatment"]) == (200, 200)
    assert result["left_out"] == {"asked for by name": 1}
    assert result["decision"] == "better"
    assert "decision: better (evaluated at any time)" in output
    arms = result["adjusted"]
    assert (arms["treatment"]["shoppers"], arms["treatment"]["trips"]) == (200, 800)
    assert arms["treatment"]["mean"] == pytest.approx(0.9, abs=0.05)
    assert arms["control"]["mean"] == pytest.approx(0.5, abs=0.08)
    assert arms["rho_squared"] > 0.1  # half of the shoppers do as they did before


def test_what_counts_as_a_hit_can_be_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = _world(tmp_path, treated_hit=0.9, event_type="cart")
    assert main(["experiment", "read", *place, *VERSIONS, *SINCE, "--outcomes", "purchase,cart"]) == 0
    assert "decision: better" in capsys.readouterr().out


def test_treated_shoppers_who_are_missing_end_in_exit_1_without_an_estimate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = _world(tmp_path, treated_hit=0.9, lost=80)
    assert main(["experiment", "read", *place, *VERSIONS, *SINCE]) == 1
    output = capsys.readouterr().out
    assert "MISMATCH: sample ratio: 120 of 320 shoppers are 37.50 %, declared 50 %" in output
    assert "interval" not in output


def test_a_log_of_one_version_gives_the_shoppers_and_days_needed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, *tables = _world(tmp_path, treated_hit=0.5)
    options = ["--relative-effect", "0.2", "--until", f"{worlds.at(7 * BEGIN_WEEK).isoformat()}Z"]
    assert main(["experiment", "size", "--baseline-from", log, *tables, *options]) == 0
    output = capsys.readouterr().out.splitlines()
    assert "measured on 400 shoppers" in output[0]
    plain, reduced = (int(re.findall(r"[\d,]+", line)[0].replace(",", "")) for line in output[-2:])
    assert reduced < plain


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["size"], "expected --baseline-from LOG, or --mean and --sd"),
        (["size", "--mean", "1", "--sd", "0"], "expected --mean and --sd above 0"),
        (["size", "--mean", "1", "--sd", "1", "--relative-effect", "0"], "--relative-effect: expected above -1"),
        (["size", "--baseline-from", "nowhere"], "expected --tables DIR"),
        (["size", "--mean", "nan", "--sd", "1"], "'--mean': expected a number, got 'nan'"),
        (["size", "--mean", "1", "--sd", "1", "--relative-effect", "1e-200"], "more shoppers than can be counted"),
        (["size", "--baseline-from", "nowhere", "--tables", "x", "--since", "noon"], "--since: expected RFC 3339"),
        (["read", "nowhere", *VERSIONS], "Missing option '--tables'; see `aisle experiment read --help`"),
        (["read", "nowhere", *VERSIONS, *SINCE, "--tables", "x", "--json", "."], "--json: expected a file to write"),
        (
            ["read", "nowhere", *VERSIONS, *SINCE, "--tables", "x", "--until", SINCE[1]],
            "--until: expected a time after",
        ),
        (["read", "nowhere", *VERSIONS, *SINCE, "--tables", "x"], "expected a directory at nowhere"),
        (["read", "nowhere", *VERSIONS, *SINCE, "--tables", "x", "--share", "0"], "share_percent"),
        (["read", "nowhere", *VERSIONS, *SINCE, "--tables", "x", "--outcomes", "look"], "positive_types"),
    ],
)
def test_bad_input_is_reported_in_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["experiment", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_a_version_that_the_log_does_not_have_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = _world(tmp_path)
    assert main(["experiment", "read", *place, "--control", "v1", "--treatment", "v9", *SINCE]) == 2
    assert "v9: expected answers of it in the log's span, it has v1, v2" in capsys.readouterr().err


def test_the_hand_computed_size_is_that_of_the_formula(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["experiment", "size", "--mean", "1", "--sd", "1", "--relative-effect", "0.1", "--rho", "0.6"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].split()[-3:] == ["1,729", "1,729", "–"]
    assert lines[-1].split()[-3:] == ["1,106", "1,106", "–"]
