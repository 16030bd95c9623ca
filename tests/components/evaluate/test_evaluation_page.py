"""The evaluation's page for KFP."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import ViewportSize

from components.artifacts.evaluation import Evaluation
from components.evaluate.evaluation_page import render
from tests.browser import DESK, PHONE, chromium, overhang, violations


def _metrics(**changes: Any) -> Evaluation:
    defined = {"delta_pct": 12.34, "low_pct": 1.0, "high_pct": 20.0}
    metrics = {
        "candidate": "aisle",
        "versions": {"aisle": "2017-12-04-<b>"},
        "trips": 1234,
        "size_mb": 3.21,
        "models": {"aisle": {"ndcg@10": 0.25, "ece": None}, "popularity": {"ndcg@10": 0.125}},
        "paired": {"popularity": {"recall@10": defined, "ndcg@10": defined | {"low_pct": None}}},
        "slices": [
            {
                "slice": "basket",
                "value": "1 & 2",
                "trips": 40,
                "models": {"aisle": {"ndcg@10": 0.5}, "popularity": {"ndcg@10": None}},
                "paired": {"popularity": {"ndcg@10": defined}},
            }
        ],
    }
    return Evaluation.model_validate(metrics | changes)


def _rows(page: str) -> list[list[str]]:
    """The cells of every row of every table, without their tags."""
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.S)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row.replace("\u00a0", " "), re.S) for row in rows]


def test_models_differences_and_slices_are_on_the_page_and_nothing_is_taken_for_markup() -> None:
    page = render(_metrics())
    change = "+12.3 % (+1.0 to +20.0 %)"
    assert _rows(page) == [
        ["metric", "aisle", "popularity"],
        ["ndcg@10", "0.2500", "0.1250"],
        ["ece", "–", "–"],
        ["model", "recall@10", "ndcg@10"],
        ["popularity", change, "–"],
        ["slice", "trips", "aisle", "popularity", "against popularity"],
        ["basket: 1 &amp; 2", "40", "0.5000", "–", change],
    ]
    assert "2017-12-04-&lt;b&gt; on 1,234 next baskets" in page and "<b>" not in page


def test_a_candidate_without_rivals_has_a_page() -> None:
    assert ">Evaluation</h1>" in render(_metrics(paired={}, slices=[]))


@pytest.mark.needs("chromium", "playwright")
@pytest.mark.parametrize("size", [DESK, PHONE], ids=str)
def test_axe_finds_nothing_and_nothing_is_wider_than_the_page(size: ViewportSize, tmp_path: Path) -> None:
    path = tmp_path / "evaluation.html"
    path.write_text(render(_metrics()), encoding="utf-8")
    with chromium() as browser:
        page = browser.new_context(viewport=size).new_page()
        page.goto(path.as_uri())
        assert violations(page) == [] and overhang(page) <= 0


def test_kfp_compares_runs_by_the_candidates_slices() -> None:
    (row,) = _metrics().slices
    undefined = row.model_copy(update={"value": "none", "models": {"aisle": {"ndcg@10": None}}})
    assert _metrics(slices=[row, undefined]).by_slice == {"basket: 1 & 2, ndcg@10": 0.5}
