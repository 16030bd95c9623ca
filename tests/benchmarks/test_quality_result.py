"""From lists to the result: two judged trips with hand-computed metrics."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.quality.result import Cut, all_cuts, best_classical
from model.errors import CheckFailed
from model.evaluation.next_basket_task import load_task
from model.files import write_json
from tests.model.small_catalog import small_catalog
from tests.pencil_world import WORLD

A, B, C, H = 0, 1, 2, 7


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Both trips of WORLD's next baskets hold h alone, which neither shopper had bought before."""
    folder = tmp_path / "2020-04-15"
    WORLD.save(folder / "examples" / "trips")
    small_catalog().save(folder / "examples" / "catalog")
    for kind in ("lists", "new"):
        (folder / kind).mkdir()
    np.save(folder / "new" / "popularity.npy", [[C, -1, -1], [H, -1, -1]])
    for seed in (7, 8):
        np.save(folder / "new" / f"aisle-{seed}.npy", [[H, -1, -1], [H, -1, -1]])
        np.savez(
            folder / f"union-{seed}.npz",
            items=[[H, A, B, -1], [A, B, H, -1]],
            sources=[["popular", "bought_before", "popular", ""], ["bought_before", "popular", "popular", ""]],
        )
        np.savez(folder / f"union-new-{seed}.npz", items=[[C, H], [H, -1]], sources=[["popular"] * 2, ["popular", ""]])
    keep(folder, "popularity", [[A, B, -1], [A, H, -1]])
    keep(folder, "last basket", [[A, -1, -1], [B, -1, -1]])
    keep(folder, "trees-7", [[H, -1, -1], [H, -1, -1]])
    keep(folder, "aisle-7", [[H, A, -1], [H, -1, -1]])
    keep(folder, "aisle-8", [[H, A, -1], [A, B, -1]])
    return folder


def keep(folder: Path, name: str, items: list[list[int]]) -> None:
    np.save(folder / "lists" / f"{name}.npy", np.array(items))
    write_json(folder / "lists" / f"{name}.json", {"digest": load_task(folder / "examples").digest})


def test_every_ranker_is_judged_on_the_same_trips(folder: Path) -> None:
    result = Cut(folder).judged(seed=7)
    assert result["trips"] == 2
    assert result["models"]["popularity"]["recall@10"]["mean"] == 0.5
    assert result["models"]["popularity"]["ndcg@10"]["mean"] == pytest.approx(1 / np.log2(3) / 2)
    assert result["models"]["popularity"]["coverage@10"]["mean"] == 3 / 4
    assert result["models"]["trees"]["recall@10"] == {"mean": 1.0, "low": 1.0, "high": 1.0}


def test_seeds_are_averaged_and_each_reported(folder: Path) -> None:
    result = Cut(folder).judged(seed=7)
    assert result["models"]["aisle"]["recall@10"]["mean"] == 0.75
    assert result["by_seed"]["aisle"]["recall@10"] == [1.0, 0.5]


def test_aisle_is_compared_with_the_best_simple_ranker_and_with_trees(folder: Path) -> None:
    paired = Cut(folder).judged(seed=7)["paired"]["recall@10"]
    assert paired["best_classical"] == "popularity" and paired["delta_pct"] == 50
    assert paired["trees_delta_pct"] == paired["against"]["trees"]["delta_pct"] == -25
    assert paired["trees_low_pct"] < -25 < paired["trees_high_pct"]
    assert paired["against"]["last basket"] == {"delta_pct": None, "low_pct": None, "high_pct": None}
    assert all_cuts([Cut(folder)] * 2, seed=7)["recall@10"]["best_classical"]["delta_pct"] == 50


def test_lists_of_what_is_new_are_judged_by_what_was_new_in_the_basket(folder: Path) -> None:
    result = Cut(folder).judged(seed=7)["new_only"]
    assert set(result["models"]) == {"aisle", "popularity"}
    assert result["models"]["aisle"]["explore_recall@10"]["mean"] == 1.0
    assert result["models"]["popularity"]["coverage@10"]["mean"] == 2 / 4
    assert result["paired"]["explore_recall@10"]["against"]["popularity"]["delta_pct"] == 100


def test_trees_are_not_classical() -> None:
    assert best_classical({"trees": 0.9, "TFRS tutorial": 0.8, "aisle": 0.7, "EASE": 0.1, "last basket": 0.2}) == (
        "last basket"
    )


def test_the_union_is_told_by_source(folder: Path) -> None:
    result = Cut(folder).judged(seed=7)
    assert (result["union_recall"], result["candidates"], result["candidates_limit"]) == (1.0, 3.0, 4)
    assert result["sources"] == {
        "bought_before": {"recall": 0.0, "candidates": 1.0},
        "popular": {"recall": 1.0, "candidates": 2.0},
    }


def test_what_is_bought_again_and_what_is_new_are_looked_for_apart(folder: Path) -> None:
    """Nothing of the baskets had been bought before."""
    cut = Cut(folder)
    cut.task.histories[0] = np.array([H])
    result = cut.judged(seed=7)
    assert result["repeat_coverage"] == 1.0
    assert result["new_recall"] == {100: 1.0, 300: 1.0, 1000: 1.0}


def test_before_aisle_is_trained_the_peers_alone_are_judged(folder: Path) -> None:
    for seed in (7, 8):
        (folder / "lists" / f"aisle-{seed}.npy").unlink()
    result = Cut(folder).judged(seed=7)
    assert set(result["models"]) == {"popularity", "last basket", "trees"} and "paired" not in result


def test_lists_for_other_trips_are_refused(folder: Path) -> None:
    write_json(folder / "lists" / "trees-7.json", {"digest": "of others"})
    with pytest.raises(CheckFailed, match=r"remove lists/trees-7\.json"):
        Cut(folder).judged(seed=7)
