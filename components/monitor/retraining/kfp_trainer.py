"""Training runs on a KFP server, for the policy."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from components.kfp_support.server_client import ENDS, MADE_BY, KfpServer
from components.monitor.retraining.trigger import Found
from model.errors import InputError
from tfx_configs.settings import RunSettings, Start

PIPELINE = "aisle-cluster"
"""What pipelines/definitions/train_and_release.py is called on the server."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class KfpTrainer:
    """Runs of one compiled pipeline in one experiment."""

    server: KfpServer
    experiment: str
    """Its id."""
    package: Path
    run: RunSettings
    """Of a run from scratch; `train.start` is the policy's."""
    parameters: Mapping[str, object]
    """Of the pipeline, besides settings, data_version and run_name."""

    def find(self, name: str) -> Found | None:
        """A run that was archived counts too."""
        runs = self.server.runs(self.experiment, name)
        if not runs:
            return None
        id, state = runs[0]
        return Found(id=id, ok=state == "SUCCEEDED" if state in ENDS else None)

    def start(self, name: str, start: Start) -> str:
        """The name is the data's version too: no run takes old tables from the cache, and a second try finds them."""
        settings = self.run.training(start=start)
        values = {"settings": settings.to_json(), "data_version": name, "run_name": name, **self.parameters}
        return self.server.start(self.experiment, name, self.package, values)


def trainer(
    server: KfpServer, experiment: str, package: Path, run: RunSettings, parameters: Mapping[str, object]
) -> KfpTrainer:
    """Raises InputError when a schedule on the server trains besides: one place decides."""
    besides = [
        one.name for one in server.schedules() if one.enabled and one.about.startswith(f"{MADE_BY}: {PIPELINE},")
    ]
    if besides:
        raise InputError(
            f"schedule {besides[0]}: expected no training on a schedule beside the policy; "
            f"turn it off: aisle submit --disable {besides[0]}"
        )
    found = server.experiment(experiment)
    return KfpTrainer(server=server, experiment=found, package=package, run=run, parameters=parameters)
