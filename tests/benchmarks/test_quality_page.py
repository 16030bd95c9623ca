"""The page has the figures of the result, and leaves out what was not measured."""

from typing import Any

from benchmarks.harness.page import render

NEW = {"popularity": 0.017, "aisle": 0.025, "EASE": 0.02}


def cut(day: str, **more: Any) -> dict[str, Any]:
    metrics = ("ndcg@10", "recall@10", "phr@10", "recall@20", "ndcg@20", "explore_recall@10", "repeat_recall@10")
    models = {
        name: {metric: {"mean": mean} for metric in (*metrics, "coverage@10")}
        for name, mean in {"popularity": 0.1, "aisle": 0.3}.items()
    }
    about = {"popularity": {"settings": {}, "tried": []}, "aisle": {"seconds": 300.0, "peak_mb": 4100}}
    steps = {"aisle-7": {"cpu_s": 412.3, "other_cores": 0.5}}
    return {"cut": day, "trips": 2000, "models": models, "about": about, "steps": steps} | more


def page(*cuts: dict[str, Any], **more: Any) -> str:
    about = {
        "measured": "2026-01-02T03:04:05",
        "seeds": [7, 8],
        "validation_cut": "2017-08-14",
        "hardware": {"cores": 2},
    }
    return render("quality/quality", about | {"chosen": {}, "all_cuts": {}, "cuts": list(cuts)} | more)


def test_rankers_are_sorted_by_the_last_cut() -> None:
    text = page(cut("2017-11-06"), cut("2017-12-04"))
    assert "| **Aisle** | 0.3000 | 0.3000 | 0.3000 | 0.3000 |\n| popularity | 0.1000" in text


def test_aisle_is_compared_with_the_best_simple_ranker_and_with_trees() -> None:
    interval = {"delta_pct": 5.04, "low_pct": 3.0, "high_pct": 7.0}
    paired = {"ndcg@10": {"best_classical": "TIFU-KNN", **interval, "against": {"trees": interval}}}
    text = page(
        cut("2017-11-06"),
        cut("2017-12-04", paired=paired),
        all_cuts={"ndcg@10": {"best_classical": interval, "trees": interval}},
    )
    change = "+5.0 (+3.0 to +7.0)"
    assert f"| 2017-12-04 | ndcg@10 | {change}, TIFU-KNN | {change} |\n| all | ndcg@10 | {change} | {change} |" in text


def test_chosen_settings_are_listed_with_how_many_were_tried() -> None:
    chosen = {"EASE": {"settings": {"l2": 300.0}, "tried": [{}, {}]}, "popularity": {"settings": {}, "tried": []}}
    text = page(cut("2017-12-04"), chosen=chosen)
    assert "Settings chosen at 2017-08-14" in text and "| EASE | l2 300.0 | 2 |\n" in text + "\n"


def test_what_was_not_measured_is_not_told() -> None:
    text = page(cut("2017-12-04"))
    assert "Aisle over" not in text and "candidates hold" not in text and "Each seed" not in text


def test_lists_of_what_is_new_are_compared_with_popularity_and_with_trees() -> None:
    interval = {"delta_pct": 5.04, "low_pct": 3.0, "high_pct": 7.0}
    coverage = {"coverage@10": {"mean": 0.01}}
    of_lists = {name: coverage | {"explore_recall@10": {"mean": mean}} for name, mean in NEW.items()}
    paired = {"best_classical": "EASE", **interval, "against": {"popularity": interval, "trees": interval}}
    new_only = {"models": of_lists, "paired": {"explore_recall@10": paired}}
    text = page(cut("2017-12-04", new_only=new_only))
    assert "| **Aisle** | 0.0250 | 0.0100 |\n| EASE | 0.0200 | 0.0100 |\n| popularity | 0.0170 | 0.0100 |" in text
    change = "+5.0 (+3.0 to +7.0)"
    assert f"| 2017-12-04 | {change}, EASE | {change} | {change} |" in text


def test_candidates_seeds_and_cost_are_reported() -> None:
    union = {"union_recall": 0.5, "candidates": 590.2, "candidates_limit": 600, "repeat_coverage": 0.98}
    sources = {"bought_before": {"recall": 0.4, "candidates": 300.0}}
    seeds = {"aisle": {"ndcg@10": [0.1, 0.3], "recall@10": [0.2, 0.2]}}
    text = page(cut("2017-12-04", **union, new_recall={"100": 0.2}, sources=sources, by_seed=seeds))
    assert "| 2017-12-04 | 0.980 | 0.200 | 0.500 | 590 of 600 | 0.400 (300) |" in text
    assert "| 2017-12-04 | **Aisle** | 0.1000, 0.3000 | 0.2000, 0.2000 |" in text
    assert "| 2017-12-04 | **Aisle** | 300 | 4.1 GB | 412 | 0.5 |" in text


def test_an_alternative_has_what_an_answer_of_it_costs_and_a_dash_where_nobody_measured() -> None:
    interval = {"delta_pct": 5.04, "low_pct": 3.0, "high_pct": 7.0}
    last = cut("2017-12-04", paired={"ndcg@10": {"against": {"popularity": interval}}})
    page = render("quality/alternatives", {"cuts": [last]}, latency={"rankers": {"aisle": {"cpu_ms_p50": 3.04}}})
    assert "| **Aisle** | 0.3000 | – | 300 s | 3.0 ms | no TensorFlow in a server" in page
    assert "| popularity | 0.1000 | +5.0 (+3.0 to +7.0) | – | – | nothing to operate; the same list for all |" in page
