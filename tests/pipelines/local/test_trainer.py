"""Training runs of the policy on this machine, with a pipeline that only leaves what a real one would."""

from pathlib import Path
from typing import Any

import pytest

from components.monitor.retraining.trigger import RunStatus
from model.errors import StageFailed
from model.files import read_json, write_json
from model.registry.model_registry import Registry
from pipelines.local.display import PIPELINE_STAGES, Display
from pipelines.local.monitor_runs import LocalTrainer
from pipelines.local.run_directory import Paths, RunOutputs
from tests.components.push.outcomes import push_outcome
from tfx_configs import recipes
from tfx_configs.settings import RunSettings

NAME = "aisle-refresh-20200512T020000Z"


class Pipeline:
    """Ends with the gate's verdict, or with an error; keeps what it was asked."""

    def __init__(self, blessed: bool = True, error: BaseException | None = None) -> None:
        self.blessed, self.error = blessed, error
        self.asked: list[tuple[RunSettings, Paths]] = []

    def __call__(self, run: RunSettings, place: Paths, registry: Registry, _: Display, *, run_name: str) -> RunOutputs:
        self.asked.append((run, place))
        write_json(place.request, {"arguments": {"settings": run.to_json()}})
        if self.error:
            raise self.error
        push_outcome(pushed=self.blessed, blessed=self.blessed).write(registry.outcome(run_name))
        return RunOutputs.of(place.out, {"tables": str(place.out / "new")})


def _trainer(root: Path, pipeline: Pipeline) -> LocalTrainer:
    paths = Paths(out=root)
    write_json(paths.result, {"tables": "old"})
    write_json(paths.request, {"arguments": {"settings": recipes.fast().to_json()}})
    return LocalTrainer(paths=paths, run=recipes.fast(), display=Display(PIPELINE_STAGES), pipeline=pipeline)


@pytest.mark.parametrize(
    ("pipeline", "ok", "compared_with"),
    [
        (Pipeline(), True, "retraining/new"),
        (Pipeline(blessed=False), True, "old"),
        (Pipeline(error=StageFailed("train: out of memory")), False, "old"),
    ],
)
def test_the_monitor_goes_on_with_the_new_run_once_its_model_is_pushed_and_not_before(
    tmp_path: Path, pipeline: Pipeline, ok: bool, compared_with: str
) -> None:
    trainer = _trainer(tmp_path, pipeline)
    assert trainer.find(NAME) is None
    assert trainer.start(NAME, "refresh") == NAME
    assert trainer.find(NAME) == RunStatus(id=NAME, ok=ok)
    assert read_json(trainer.paths.result) == {"tables": compared_with}
    ((run, place),) = pipeline.asked
    assert run.train.start == "refresh" and place.out != tmp_path and place.cache == trainer.paths.cache


def test_a_run_that_is_killed_never_was_and_is_started_again(tmp_path: Path) -> None:
    pipeline: Any = Pipeline(error=KeyboardInterrupt())
    trainer = _trainer(tmp_path, pipeline)
    with pytest.raises(KeyboardInterrupt):
        trainer.start(NAME, "scratch")
    assert trainer.find(NAME) is None
    assert read_json(trainer.paths.result) == {"tables": "old"}
    pipeline.error = None
    trainer.start(NAME, "scratch")
    assert trainer.find(NAME) == RunStatus(id=NAME, ok=True)
