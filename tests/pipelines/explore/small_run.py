"""A finished run of the small market, with a canary whose scores can be computed by a second formula."""

from pathlib import Path
from typing import Any

from components.examples.run import build_examples
from components.ingest.run import ingest
from components.rollout.rollout_record import RolloutRecord, StepRecord, begin
from model.baselines.frequency import PersonalFrequency
from model.data.batch import Batch
from model.data.catalog import Catalog
from model.features.graph import FeatureGraph
from model.files import write_json
from model.networks.candidates import Candidates
from model.networks.recommender import Recommender, Scorer
from model.package.export import export
from model.registry.model_registry import Registry
from model.system.legacy_keras import tf
from pipelines.local.run_directory import Paths
from tests.pipelines.report.report_world import step
from tests.worlds import market, run_settings, write
from tfx_configs.settings import RunSettings

MAILER, OVERDUE, POPULAR, KIND = 10.0, 2.0, 0.1, 5.0


class Known(tf.Module):
    """Purchases, 2 an overdue rhythm, 10 in the mailer, 0.1 a purchase by anybody, 5 times the department's share."""

    def __call__(self, graph: FeatureGraph, values: dict[str, Any], batch: Batch, candidates: Candidates) -> Any:
        return (
            values["own_count"]
            + OVERDUE * values["own_overdue"]
            + MAILER * values["on_mailer"]
            + POPULAR * values["recent_popularity"]
            + KIND * values["department_share"]
        )


def small_run(root: Path) -> Path:
    """Writes everything that `aisle explore --run` reads; returns the run's directory."""
    run = run_settings(write(root / "source", **market()))
    ingest(data=run.data, tables_dir=root / "tables")
    build_examples(run=run, tables_dir=root / "tables", examples_dir=root / "examples")
    paths = Paths(out=root / "run")
    registry = Registry(paths.registry)
    registry.set_stable(_add(registry, root, run, "personal_frequency", PersonalFrequency()))
    registry.set_canary(_add(registry, root, run, "aisle", Known()))
    state = registry.state()
    write_json(paths.outputs, {"examples": str(root / "examples")})
    write_json(paths.request, {"arguments": {"settings": run.to_json()}})
    steps = (StepRecord.model_validate(step(10)),)
    record = RolloutRecord(stable_before=str(state.stable), candidate=str(state.canary), percent=50, steps=steps)
    begin(paths.rollout, record.noting("10 % declared"))
    return paths.out


def _add(registry: Registry, root: Path, run: RunSettings, kind: str, scorer: Scorer) -> str:
    catalog = Catalog.load(root / "examples" / "catalog").as_served()
    directory = root / kind
    export(directory, kind, Recommender(catalog, run, scorer), catalog)
    return registry.add(directory)
