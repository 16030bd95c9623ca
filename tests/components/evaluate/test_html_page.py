"""The evaluation's page for KFP."""

from typing import Any

from components.artifacts.evaluation import Evaluation
from components.evaluate.html_page import render


def _metrics(**changes: Any) -> Evaluation:
    known = {"delta_pct": 12.34, "low_pct": 1.0, "high_pct": 20.0}
    metrics = {
        "candidate": "aisle",
        "versions": {"aisle": "2017-12-04-<b>"},
        "trips": 1234,
        "size_mb": 3.21,
        "models": {"aisle": {"ndcg@10": 0.25, "ece": None}, "popularity": {"ndcg@10": 0.125}},
        "paired": {"popularity": {"recall@10": known, "ndcg@10": known | {"low_pct": None}}},
        "slices": [
            {
                "slice": "basket",
                "value": "1 & 2",
                "trips": 40,
                "models": {"aisle": {"ndcg@10": 0.5}, "popularity": {"ndcg@10": None}},
                "paired": {"popularity": {"ndcg@10": known}},
            }
        ],
    }
    return Evaluation.model_validate(metrics | changes)


def test_models_differences_and_slices_are_on_the_page_and_nothing_is_taken_for_markup() -> None:
    page = render(_metrics())
    assert "<td>ndcg@10</td><td>0.2500</td><td>0.1250</td>" in page
    assert "<td>ece</td><td>–</td><td>–</td>" in page
    assert "<td>popularity</td><td>+12.3 [+1.0, +20.0]</td><td>–</td>" in page
    assert "<td>basket: 1 &amp; 2</td><td>40</td><td>0.5000</td><td>–</td><td>+12.3 [+1.0, +20.0]</td>" in page
    assert "2017-12-04-&lt;b&gt; on 1,234 first test trips" in page and "<b>" not in page


def test_a_candidate_without_rivals_has_a_page() -> None:
    assert "<h1>Evaluation</h1>" in render(_metrics(paired={}, slices=[]))


def test_kfp_compares_runs_by_the_candidates_slices() -> None:
    (row,) = _metrics().slices
    undefined = row.model_copy(update={"value": "none", "models": {"aisle": {"ndcg@10": None}}})
    assert _metrics(slices=[row, undefined]).by_slice == {"basket: 1 & 2, ndcg@10": 0.5}
