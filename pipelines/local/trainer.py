"""Training runs on this machine, for the policy: one at a time, and finished when `start` returns."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

from components.artifacts.push_outcome import PushOutcome
from components.kfp_support.progress import progress
from components.monitor.retraining.trigger import RunStatus
from model.errors import AisleError
from model.files import read_json, write_json
from model.registry.model_registry import Registry
from pipelines.local.display import Display
from pipelines.local.pipeline_process import run_pipeline
from pipelines.local.run_directory import Paths, RunOutputs, alone
from tfx_configs.monitoring import Training
from tfx_configs.settings import RunSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class LocalTrainer:
    """Trains beside a finished run, in `retraining`, into its registry.

    The monitor's baseline stays as it is until a new model is pushed.
    """

    paths: Paths
    """Of the finished run."""
    run: RunSettings
    display: Display
    pipeline: Callable[..., RunOutputs] = run_pipeline

    def find(self, name: str) -> RunStatus | None:
        """Return an ended run; a run that was killed is none, and started again it resumes after its last stage."""
        ended = self._ended(name)
        return RunStatus(id=name, ok=read_json(ended)["ok"]) if ended.exists() else None

    def start(self, name: str, start: Training) -> str:
        """Run the pipeline to its end, good or bad."""
        run = self.run.training(start=start)
        registry, place = Registry(self.paths.registry), self._beside()
        failure = ""
        with alone(self.paths.out):
            try:
                outputs = self.pipeline(run, place, registry, self.display, run_name=name)
            except AisleError as error:
                failure = str(error)
                progress(f"{name} failed: {failure}")
            if not failure and PushOutcome.read(registry.outcome(name)).pushed:
                shutil.copyfile(place.request, self.paths.request)
                outputs.below(self.paths.out).save(self.paths.result)
        write_json(self._ended(name), {"ok": not failure, "error": failure})
        return name

    def _beside(self) -> Paths:
        return Paths(out=self.paths.out / "retraining", cache_of=self.paths.out)

    def _ended(self, name: str) -> Path:
        return self.paths.monitoring / "runs" / f"{name}.json"
