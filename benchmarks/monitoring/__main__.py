"""Do the data and model checks fire, in time, and only then? Faults injected into a real log; a clean replay beside it.

`python -m benchmarks monitoring` needs the examples and the model that `python -m benchmarks quality` left, and writes
build/bench/monitoring.json. The log is four weeks of the demo's trips, answered by the served model through the
server's own code (build/bench/monitoring/requests; removed, it is recorded again). Each fault and each replay leaves
its part in build/bench/monitoring/parts, and what is there is not measured again. What others measured is taken in from
build/bench/monitoring/system.json (alerts on the system) and build/bench/cadence.json (benchmarks/cadence/__main__.py).

With `--system` it writes the first of these: faults in real servers and stores, a real Prometheus, in seconds of the
rules' own time. Needs prometheus and prometheus-pushgateway on the PATH (Debian has both). The faults are those of
tests/pipelines/manifests/observability.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.harness import shop
from benchmarks.harness.result_file import RESULTS, measured_by
from benchmarks.harness.shop import CUTS
from benchmarks.harness.study import Judged, stored
from benchmarks.monitoring.fault import Fault, World, read_faults
from benchmarks.monitoring.log import record
from components.artifacts import purchases
from components.kfp_support.environments import call
from components.kfp_support.progress import progress
from components.monitor.data import baseline as reference
from components.monitor.data import visits
from components.train.baselines.export import export_baselines
from model.data.trips import Trips
from model.evaluation.ranking_metrics import mean_defined
from model.files import read_json, write_json
from model.package.loaded_model import load
from model.serving.fallback.served_model import ServedModel
from tfx_configs.monitoring import MonitorSettings
from tfx_configs.recipes import full
from tfx_configs.stages import BaselinesStage
from tfx_configs.units import DAY_S

SEED = 7
HERE = RESULTS / "monitoring"
PARTS, SYSTEM = HERE / "parts", HERE / "system.json"
UNSEEN = ("2017-06-19", "2017-08-14")
"""First days of spans that no choice of the method was made on; each has a feast in it."""
FEASTS = ("2017-04-16", "2017-05-29", "2017-07-04", "2017-09-04", "2017-11-23", "2017-12-25")
"""Easter, Memorial Day, Independence Day, Labor Day, Thanksgiving, Christmas."""
DAYS_BEFORE, DAYS_AFTER = 3, 2
"""Around a feast that are unusual: one rule for all of them, taken from Thanksgiving."""
DAYS, FAULT_DAY = 28, 14
CLEAN_STEP_S, FAULT_STEP_S = DAY_S // 4, DAY_S // 4
MOST_MOMENTS = 12
"""For a fault that may take weeks, the steps are longer."""
DISTANCE_STEP = 4
"""TFDV's distances are computed at every so many of these moments."""

DISTANCES = "skew"
"""Of `only`: leaves out all checks but the distances, which come together."""


def around(feasts: Sequence[str]) -> tuple[str, ...]:
    """The feasts and the days about them."""
    days = [date.fromisoformat(feast) + timedelta(n) for feast in feasts for n in range(-DAYS_BEFORE, DAYS_AFTER + 1)]
    return tuple(day.isoformat() for day in days)


SETTINGS = MonitorSettings(
    closed_days=("2017-11-23", "2017-12-25"), unusual_days=around(FEASTS), time_zone="America/New_York"
)
"""The shop was closed on Christmas Day and from the afternoon of Thanksgiving."""


def main(
    system: Annotated[bool, typer.Option("--system", help="measure only the alerts on the system")] = False,
) -> dict[str, Any] | None:
    if system:
        write_json(SYSTEM, measured_by("tests/pipelines/manifests/observability/test_faults.py", "alerts"))
        return None
    world = real()
    alerts = [part(fault.name, partial(fired, world, fault)) for fault in read_faults()]
    result: dict[str, Any] = part("clean", partial(clean, world))
    for name, cuts in (("other_spans", CUTS[:-1]), ("unseen_spans", UNSEEN)):
        spans = {cut: part(f"clean-{cut}", partial(replayed, cut)) for cut in cuts}
        result[name] = {cut: span["clean_replay"] for cut, span in spans.items()}
    of_system, cadence = (read_json(path) if path.exists() else {} for path in (SYSTEM, RESULTS / "cadence.json"))
    alerts += of_system.get("alerts", [])
    return result | of_system | {"alerts": alerts, "cadence": cadence.get("cadence", [])}


def part(name: str, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What the part of that name measured, from disk where it is there."""
    return stored(PARTS / f"{name}.json", measure)


def fired(world: World, fault: Fault, day: float = FAULT_DAY) -> dict[str, Any]:
    """{name, fault, check, limit_s, fired_after_s} of a fault that begins `day` days after the cut; None: too late."""
    progress(f"fault: {fault.what}")
    begin_s = world.baseline.cut_s + day * DAY_S
    step_s = max(FAULT_STEP_S * (DISTANCE_STEP if fault.needs_distances else 1), fault.limit_s // MOST_MOMENTS)
    broken, after = fault.inject(world.timed(), begin_s), None
    for moment_s in np.arange(begin_s + step_s, begin_s + fault.limit_s + 1, step_s).tolist():
        if fault.check in broken.until(moment_s).failed([moment_s], fault.needs_distances, fault.check)[0]:
            after = round(moment_s - begin_s)
            break
    about = {"name": fault.name, "fault": fault.what, "check": fault.check, "limit_s": fault.limit_s}
    return about | {"fired_after_s": after}


def clean(world: World, days: int = DAYS) -> dict[str, Any]:
    """{clean_replay_alerts, clean_replay}: what fails when nothing is wrong."""
    progress(f"a clean replay of {days} days")
    begin_s, end_s = world.baseline.cut_s, world.baseline.cut_s + days * DAY_S
    moments = np.arange(begin_s + CLEAN_STEP_S, end_s + 1, CLEAN_STEP_S).tolist()
    daily = moments[DISTANCE_STEP - 1 :: DISTANCE_STEP]
    failed = world.failed(moments, False) + world.failed(daily, True, DISTANCES)
    named = {(moment_s, name) for moment_s, names in zip([*moments, *daily], failed, strict=True) for name in names}
    alerts = [f"{(moment_s - begin_s) / DAY_S:.2f}: {name}" for moment_s, name in sorted(named)]
    about = {"days": days, "moments": len(moments), "with_distances": len(daily), "alerts": alerts}
    return {"clean_replay_alerts": len(alerts), "clean_replay": about | {"visits": len(world.requests)}}


def replayed(cut: str) -> dict[str, Any]:
    """A clean replay after another cut."""
    return clean(plain(cut))


def real() -> World:
    """The last cut's four weeks, answered by its model."""
    model = shop.model()
    return _world(HERE, shop.examples(), lambda: load(model), evaluation(model))


def plain(cut: str) -> World:
    """The four weeks after another cut, answered by personal frequency: no limit was chosen on them."""
    examples, baselines, run = shop.examples(cut), HERE / cut / "baselines", full()
    if not baselines.exists():
        run = run.replace(gate=run.gate.replace(baselines=(reference.PLAIN,)))
        export_baselines(BaselinesStage.of(run), str(examples), str(baselines))
    return _world(HERE / cut, examples, lambda: load(baselines / reference.PLAIN), None)


def _world(folder: Path, examples: Path, load_model: Callable[[], ServedModel], judged: Path | None) -> World:
    tables, log, path = shop.tables(), folder / "requests", folder / "reference"
    if not log.exists():
        progress(f"{folder}: the test trips through the server's code, some minutes")
        record(Trips.load(examples / Trips.DIRECTORY), load_model, folder, days=DAYS + 1)
    if not path.exists():
        progress(f"{folder}: the weeks before the cut")
        reference.build(tables=tables, examples=examples, out=path, run=full(), settings=SETTINGS, evaluation=judged)
        with_stats(path)
    baseline = reference.load(path)
    end_s = baseline.cut_s + (DAYS + 1) * DAY_S
    return World(
        requests=visits.read(log, baseline.cut_s, end_s),
        purchases=purchases.read(tables, baseline.cut_s, end_s, full().labels),
        promotion_starts=purchases.promotion_starts(tables),
        baseline=baseline,
        settings=SETTINGS,
    )


def evaluation(model: Path) -> Path:
    """The evaluation's part that the monitor reads, from the lists of the quality benchmark."""
    judged = Judged(shop.examples())
    names = {"aisle": f"aisle-{SEED}", reference.PLAIN: "decayed frequency"}
    values = {name: judged.by_trip(shop.listed(file), ["recall@10"]) for name, file in names.items()}
    models = {name: {metric: mean_defined(value) for metric, value in of.items()} for name, of in values.items()}
    models["aisle"]["calibration_ratio@10"] = 1.0
    versions = {"aisle": read_json(model / "manifest.json")["version"], reference.PLAIN: reference.PLAIN}
    write_json(HERE / "evaluation" / "metrics.json", {"models": models, "versions": versions})
    return HERE / "evaluation"


def with_stats(path: Path) -> None:
    """TFDV's statistics of the reference's own visits, where no validation left those of all training trips."""
    kwargs = {"visits": str(path / "visits.parquet"), "out": str(path / reference.STATS)}
    call("validate", "benchmarks.harness.in_validate:write_training_stats", kwargs)
