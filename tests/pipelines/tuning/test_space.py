from pathlib import Path

import yaml

from model.files import write_text
from pipelines.arguments import settings_in
from pipelines.tuning.space import CHOICES, NAMES, RANGES, as_tree, changed, flat, space_around, values_of, with_values
from tfx_configs import recipes
from tfx_configs.settings import RunSettings


def test_chosen_settings_come_back_through_config(tmp_path: Path) -> None:
    run = recipes.run_settings(path="/shop", cut_date="2020-03-01", changes=["task=next_new_item", "train.seed=3"])
    chosen = with_values(run, {"train.retrieval_epochs": 5, "train.temperature": 0.2, "train.query": "sequence"})
    write_text(tmp_path / "chosen.yaml", yaml.safe_dump(as_tree(chosen)))
    layer = settings_in("--config", tmp_path / "chosen.yaml", RunSettings)
    assert recipes.run_settings(config=layer, path="/shop", cut_date="2020-03-01") == chosen
    assert "path" not in as_tree(chosen).get("data", {})


def test_every_name_is_a_setting_and_the_space_holds_what_it_is_now() -> None:
    run = with_values(RunSettings(), {"train.dimension": 48, "train.temperature": 0.9})
    now = values_of(run)
    space = space_around(now)
    assert set(space) == set(NAMES) == set(now)
    for name, distribution in space.items():
        assert distribution._contains(distribution.to_internal_repr(now[name])), name  # type: ignore[attr-defined]
    assert changed(now, values_of(RunSettings())) == {"train.dimension": 48, "train.temperature": 0.9}


def test_a_tree_is_flat_in_the_form_of_set() -> None:
    assert flat({"task": "a", "train": {"seed": 3}}) == {"task": "a", "train.seed": 3}


def test_every_choice_is_one_that_the_settings_take() -> None:
    for name, choices in CHOICES.items():
        for choice in choices:
            assert values_of(with_values(RunSettings(), {name: choice}))[name] == choice
    for name, ends in RANGES.items():
        for end in ends:
            with_values(RunSettings(), {name: end})
