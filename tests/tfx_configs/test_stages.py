"""The part of a run's settings that each stage reads: what its result in the cache depends on."""

import pytest

from tfx_configs import recipes
from tfx_configs.frozen import SettingsError
from tfx_configs.settings import RunSettings
from tfx_configs.stages import STAGES, ExamplesStage, IngestStage, StageSettings, stage_parameters

ALL_BUT_EVALUATE = "ingest validate examples train baselines"


@pytest.mark.parametrize(
    ("change", "stages"),
    [
        ("rollout.percents=[20, 100]", ""),
        ("replay_requests=300", ""),
        ("train.temperature=0.2", "train"),
        ("train.retrieval_epochs=1", "train"),
        ("train.seed=8", "train baselines"),
        ("train.ranking_days=70", "examples train baselines"),
        ("train.start=refresh", "validate train"),
        ("resources.train_workers=2", "train"),
        ("candidates.limit=100", "train baselines"),
        ("rerank.diversity=0.1", "train baselines"),
        ("features.min_item_count=2", "examples train baselines"),
        ("labels.return_days=0", "examples"),
        ('labels.positive_types=["view"]', "ingest examples"),
        ("task=next_basket", "examples"),
        ("validation.max_missing_days=3", "validate"),
        ("gate.min_coverage=0.1", "evaluate"),
        ('gate.baselines=["popularity", "personal_frequency"]', "baselines evaluate"),
        ("beam.runner=PrismRunner", "validate evaluate"),
        ("data.cut_date=2017-12-04", ALL_BUT_EVALUATE),
        ("data.sample_percent=3", ALL_BUT_EVALUATE),
    ],
)
def test_a_setting_is_part_of_the_key_of_the_stages_that_read_it(change: str, stages: str) -> None:
    """A later stage also gets what an earlier one wrote, which has another address when it ran again."""
    before, after = (stage_parameters(recipes.run_settings(changes=changes)) for changes in ((), (change,)))
    assert before.keys() == after.keys() == {f"{name}_settings" for name in STAGES}
    assert {name for name in STAGES if before[f"{name}_settings"] != after[f"{name}_settings"]} == set(stages.split())


@pytest.mark.parametrize("stage", STAGES.values())
@pytest.mark.parametrize("run", [recipes.fast("/data", "2017-12-04"), RunSettings()], ids=["fast", "default"])
def test_a_part_survives_json_and_has_the_names_of_the_whole(stage: type[StageSettings], run: RunSettings) -> None:
    """The workers of a TrainJob read the part of training as settings of a run."""
    part = stage.of(run)
    assert stage.from_json(part.to_json()) == part
    assert stage.of(RunSettings.from_json(part.to_json())) == part


@pytest.mark.parametrize("stage", STAGES.values())
def test_a_stage_refuses_the_whole_settings(stage: type[StageSettings]) -> None:
    with pytest.raises(SettingsError, match=": unknown in "):
        stage.from_json(RunSettings().to_json())


def test_what_a_stage_does_not_declare_it_cannot_read() -> None:
    run = RunSettings()
    assert ExamplesStage.of(run).train.ranking_days == run.train.ranking_days
    assert not hasattr(ExamplesStage.of(run).train, "seed") and not hasattr(IngestStage.of(run), "gate")
