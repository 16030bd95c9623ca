"""A finished run of the small market, with a canary whose scores can be computed by a second formula."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from components.examples.run import build_examples
from components.ingest.run import ingest
from components.rollout.rollout_record import RolloutRecord, StepRecord, begin
from model.baselines import storage
from model.baselines.frequency import Baseline, personal_frequency
from model.data.batch import Batch
from model.data.catalog import Catalog
from model.features.matrix import Features
from model.files import write_json
from model.package.export import export
from model.ranking.recommender import Candidates, Recommender, Scorer
from model.registry.model_registry import Registry
from pipelines.local.run_directory import Paths
from tests.pipelines.report.report_world import step
from tests.worlds import market, run_settings, write
from tfx_configs.settings import RunSettings

MAILER, OVERDUE, POPULAR, KIND = 10.0, 2.0, 0.1, 5.0


class Known(Baseline):
    """Purchases, 2 an overdue rhythm, 10 in the mailer, 0.1 a purchase by anybody, 5 times the department's share."""

    def __init__(self, names: Sequence[str]) -> None:
        weights = {
            **{"own_count": 1.0, "own_overdue": OVERDUE, "on_mailer": MAILER},
            **{"recent_popularity": POPULAR, "department_share": KIND},
        }
        self._weight_F = np.array([weights.get(name, 0.0) for name in names], np.float32)

    def __call__(self, dense_CF: np.ndarray, batch: Batch, candidates: Candidates) -> np.ndarray:
        """As Scorer."""
        return dense_CF @ self._weight_F


def _make_storable(name: str, scorer: type) -> None:
    storage._KINDS[name] = storage._Kind(scorer=scorer, of_catalog=("names",))
    storage._NAMES[scorer] = name


_make_storable("linear", Known)


def small_run(root: Path, canary: Callable[[Sequence[str]], Scorer] = Known) -> Path:
    """Writes everything that `aisle explore --run` reads; returns the run's directory.

    Args:
        canary: its scorer, from the names of the features; `Known` is read by this process alone.
    """
    run = run_settings(write(root / "source", **market()))
    ingest(data=run.data, tables_dir=root / "tables")
    build_examples(run=run, tables_dir=root / "tables", examples_dir=root / "examples")
    paths = Paths(out=root / "run")
    registry = Registry(paths.registry)
    registry.set_stable(_add(registry, root, run, "personal_frequency", personal_frequency))
    registry.set_canary(_add(registry, root, run, "aisle", canary))
    state = registry.state()
    write_json(paths.outputs, {"examples": str(root / "examples")})
    write_json(paths.request, {"arguments": {"settings": run.to_json()}})
    steps = (StepRecord.model_validate(step(10)),)
    record = RolloutRecord(stable_before=str(state.stable), candidate=str(state.canary), percent=50, steps=steps)
    begin(paths.rollout, record.noting("10 % declared"))
    return paths.out


def _add(registry: Registry, root: Path, run: RunSettings, kind: str, scorer: Callable[[Sequence[str]], Scorer]) -> str:
    """scorer: from the names of the features."""
    catalog = Catalog.load(root / "examples" / "catalog").as_served()
    directory = root / kind
    recommender = Recommender(catalog, run.features, run.candidates, scorer(Features(catalog, run.features).names))
    export(directory, kind, recommender, catalog, features=run.features, candidates=run.candidates)
    return registry.add(directory)
