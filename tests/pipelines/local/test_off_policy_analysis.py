"""`aisle experiment offpolicy` on a request log whose answer is known."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model.request_log.reader import SCHEMA
from pipelines.cli import main
from pipelines.local.experiment_analysis import compare_policy
from tests import worlds
from tfx_configs.labels import LabelSettings
from tfx_configs.rerank import RerankSettings

SHOPPERS, WEEKS = 200, 4
SINCE = ["--since", f"{worlds.at(0).isoformat()}Z"]
LABELS = LabelSettings()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lists of two out of a, b, c; in half of them c takes the place of b. a is always bought, b never, c whenever it
    is shown. Every tenth request is logged without detail."""
    folder, rng = tmp_path_factory.mktemp("offpolicy"), np.random.default_rng(3)
    rows: list[dict[str, Any]] = []
    bought = []
    for week in range(WEEKS):
        for n in range(SHOPPERS):
            day, user = 7 * week + n / SHOPPERS, f"u{n:03d}"
            drawn = bool(rng.random() < 0.5)
            row: dict[str, Any] = {"request_id": f"{user}-{week}", "version": "v1", "user_id": user, "store_id": "s1"}
            row |= {"time_s": worlds.seconds(day), "logged_s": float(worlds.seconds(day)), "route": "split"}
            row |= {"item_ids": ["a", "c" if drawn else "b"], "propensities": [1.0, 0.5]}
            if n % 10:
                row |= {"candidate_ids": ["a", "b", "c"], "candidate_scores": [0.9, 0.2, 0.2]}
            rows.append(row)
            bought.append((user, day + 10 / 1440, "a c" if drawn else "a"))
    bought.append(("u000", 7 * WEEKS, "x"))
    (folder / "log").mkdir()
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), folder / "log" / "v1-1-1-1.parquet")
    worlds.write(folder / "tables", events=worlds.purchases(*bought).assign(event_type="purchase", quantity=1.0))
    return folder


def test_a_policy_that_never_draws_is_worth_its_certain_item(place: Path) -> None:
    """a alone is bought: one hit a list, where half of the logged lists had two."""
    comparison = compare_policy(
        place / "log", place / "tables", worlds.seconds(0), None, "v1", RerankSettings(), LABELS
    )
    assert comparison.chances == 9 * SHOPPERS * WEEKS // 10
    assert comparison.logged.value == pytest.approx(1.5, abs=0.05)
    for estimate in (comparison.ips, comparison.snips, comparison.dr):
        assert estimate.value == pytest.approx(1.0, abs=0.05) and estimate.low <= 1.0 <= estimate.high
    assert comparison.gain.high < 0 and comparison.support == pytest.approx(1.0, abs=0.1)


def test_the_logged_policy_is_worth_what_it_earned(place: Path) -> None:
    """A draw in half of the lists for place two, among the one rank after it, is what was logged."""
    same = RerankSettings(explore_percent=50, explore_place=2, explore_pool=1)
    comparison = compare_policy(place / "log", place / "tables", worlds.seconds(0), None, "v1", same, LABELS)
    assert comparison.ips.value == pytest.approx(comparison.logged.value) and comparison.support == pytest.approx(
        1.0, abs=0.05
    )


def test_the_command_prints_estimates_and_a_decision(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [str(place / "log"), "--tables", str(place / "tables"), "--version", "v1", *SINCE]
    assert main(["experiment", "offpolicy", *words]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("v1: 720 places left to chance, effective sample size")
    assert [line.split()[0] for line in printed[2:7]] == ["logged", "IPS", "SNIPS", "DR", "gain"]
    assert printed[-1] == "decision: the policy is worse"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--version", "v9"], "v9: expected closed visits logged in detail, found none; the log has v1"),
        (["--version", "v1", "--explore-percent", "80"], "explore_percent"),
        (["--version", "v1", "--until", SINCE[1]], "--until: expected a time after"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    words: list[str], message: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["experiment", "offpolicy", str(place / "log"), "--tables", str(place / "tables"), *SINCE, *words]
    assert main(arguments) == 2
    printed = capsys.readouterr().err
    assert message in printed and printed.count("\n") == 1
