"""Asks the rankers of one run, in a process of its own: the candidate and every baseline, on the judged trips."""

from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.harness.study import Judged
from components.artifacts.examples import Examples
from components.artifacts.first_stable import FirstStable
from components.artifacts.verdict import Verdict
from components.evaluate.predictions import lists
from components.kfp_support.progress import progress
from components.train.baselines.baseline_choice import PLACES, lists_of
from components.train.baselines.export import NAMES, baseline, ranking_all
from components.train.baselines.similarity import SHOPPER_BASELINES
from model.data.batch import TripReader
from model.errors import CheckFailed
from model.evaluation.ranking_metrics import NO_ITEM
from model.files import write_json
from model.package.loaded_model import load
from pipelines.local.run_directory import Paths, RunOutputs, settings_of
from tfx_configs.evaluation import CANDIDATE, GATE_METRICS
from tfx_configs.stages import BaselinesStage

VALUES = "values.npz"


@threadpool_limits.wrap(limits=1, user_api="blas")
def main(folder: str, cut: str, seconds: str) -> None:
    """Leaves values.npz, {shopper, MODEL/METRIC: [N] a trip, MODEL/items: ids listed}, and measured.json."""
    at = Path(folder)
    paths = Paths(out=at / "run")
    outputs = RunOutputs.load(paths.out, paths.result)
    run = ranking_all(BaselinesStage.of(settings_of(paths)))
    judged, report = Judged(outputs["examples"]), Examples(outputs["examples"]).report
    trips, which = judged.trips, judged.which
    listed = {CANDIDATE: lists(load(outputs["model"]), trips, which, PLACES).items_Nk}
    for name in (*NAMES, *SHOPPER_BASELINES):
        try:
            recommender, served = baseline(name, run, trips, judged.catalog)
        except CheckFailed as error:
            progress(f"{name}: {error}")
            continue
        listed[name] = lists_of(recommender, TripReader(trips, served), which)
    arrays: dict[str, np.ndarray] = {"shopper": trips.user_ids[trips.user_T[which]].astype(str)}
    for name, items in listed.items():
        arrays |= {f"{name}/{metric}": value_N for metric, value_N in judged.by_trip(items, GATE_METRICS).items()}
        arrays[f"{name}/items"] = trips.item_ids[np.unique(items[items != NO_ITEM])].astype(str)
    np.savez_compressed(at / VALUES, **arrays)  # type: ignore[arg-type]
    verdict, first = Verdict.read(outputs["verdict"]), FirstStable.load(outputs["baselines"])
    about: dict[str, Any] = {
        "cut": cut,
        "trips": len(which),
        "train_trips": report.train_trips,
        "active_items": judged.active,
        "task": report.task,
        "blessed": verdict.blessed,
        "served": CANDIDATE if verdict.blessed else first.name,
        "first_stable": first.name,
        "not_passed": [reason.check for reason in verdict.not_passed],
        "seconds": float(seconds),
    }
    write_json(at / "measured.json", about)
