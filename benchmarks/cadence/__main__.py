"""How often is a model worth training again? The last twelve weeks, served by a model that is never trained again, one
that is trained every week, and one that is trained every week and whenever the monitor asks for it besides.

`python -m benchmarks cadence [--fast] [--weeks N]` does what is not there yet in build/bench/cadence, and writes
build/bench/cadence.json after every week: it may be ended and started again at any time. A full training takes
minutes on both cores, so all of it takes an hour; `--fast` is a sample of shoppers and short training, for trying.
"""

import dataclasses
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pyarrow.dataset as ds
import typer

from benchmarks.harness import process as child
from benchmarks.harness.page import render
from benchmarks.harness.result_file import RESULTS, write_result
from benchmarks.harness.shop import tables_as_of
from benchmarks.harness.study import stored
from components.artifacts import purchases
from components.evaluate.predictions import request_of
from components.ingest.run import ingest
from components.kfp_support.progress import progress
from components.monitor import run
from components.monitor.checks.run_checks import run_checks
from components.monitor.data import baseline as reference
from components.monitor.retraining.policy import TrainingRun, decide
from model.data import columns as c
from model.data.time_split import day
from model.data.trips import Trips
from model.evaluation.clustered_errors import ratio
from model.evaluation.ranking_metrics import NO_ITEM, find_hits, ndcg
from model.files import read_json, write_json, write_text
from model.package.loaded_model import load
from tfx_configs import recipes
from tfx_configs.monitoring import MonitorSettings, RetrainSettings
from tfx_configs.settings import RunSettings
from tfx_configs.units import DAY_S, WEEK_S

WEEKS, SEED = 12, 7
NEVER, WEEKLY, TRIGGERS = "never", "weekly", "weekly and triggers"
K, BATCH = 10, 64
TRIGGER_RULES = ("quality", "drift", "new items")
"""Rules of the policy that are no calendar."""
SETTINGS = MonitorSettings(closed_days=("2017-12-25",), time_zone="America/New_York")


def main(
    fast: Annotated[bool, typer.Option("--fast", help="a sample and short training: for trying")] = False,
    weeks: Annotated[int, typer.Option(help="weeks at the end of the data")] = WEEKS,
) -> None:
    name = "cadence-fast" if fast else "cadence"
    walk = Walk(folder=RESULTS / name, run=recipes.fast() if fast else recipes.full(), weeks=weeks)
    for _ in walk.play():
        print(write_result(f"{name}/trial" if fast else name, walk.result(), SEED))
        draw(walk.rows, RESULTS / name / "cadence.svg")


@dataclasses.dataclass(kw_only=True)
class Walk:
    """Twelve weeks, three policies, one store of models and of what they answered."""

    folder: Path
    run: RunSettings
    weeks: int
    rows: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    gains: list[pd.DataFrame] = dataclasses.field(default_factory=list)
    """Of each week, what weekly training gained on each trip, and whose trip it was."""
    triggers: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    def play(self) -> Iterator[int]:
        """Yields after each week."""
        self.ingest()
        events = ds.dataset(self.folder / "tables" / "events", format="parquet").to_table(columns=[c.TIME])
        last_day = events[c.TIME].to_numpy().max().astype("datetime64[D]")
        start_s = int(last_day.astype("datetime64[s]").astype(int)) - self.weeks * WEEK_S
        for week in range(self.weeks):
            begin_s = start_s + week * WEEK_S
            progress(f"week {week + 1} of {self.weeks}, from {day(begin_s)}")
            never, weekly = (self.serve(cut_s, begin_s, begin_s + WEEK_S) for cut_s in (start_s, begin_s))
            moment_s, reasons = self.trigger(begin_s)
            besides = weekly
            if moment_s is not None:
                self.triggers.append({"week": day(begin_s), "at": day(moment_s), "reasons": list(reasons)})
                fresh = self.serve(moment_s, moment_s, begin_s + WEEK_S)
                besides = pd.concat([weekly[weekly["time_s"] < moment_s], fresh])
            self._row(NEVER, begin_s, never, [start_s] if week == 0 else [])
            self._row(WEEKLY, begin_s, weekly, [begin_s])
            self._row(TRIGGERS, begin_s, besides, [begin_s] + ([moment_s] if moment_s is not None else []))
            self.gains.append(weekly.assign(ndcg=weekly["ndcg"] - never["ndcg"], week=day(begin_s)))
            yield week

    def result(self) -> dict[str, Any]:
        """cadence: [{policy, week, ndcg@10, low, high, trips, runs, cpu_s}]; what weekly gains over never."""
        return {
            "cadence": self.rows,
            "weekly_over_never": [{"week": gain["week"].iloc[0]} | mean(gain, "gain") for gain in self.gains],
            "weekly_over_never_overall": mean(pd.concat(self.gains), "gain"),
            "triggers": self.triggers,
            "sample_percent": self.run.data.sample_percent,
        }

    def serve(self, cut_s: int, begin_s: int, end_s: int) -> pd.DataFrame:
        """Shopper, time_s and ndcg of each trip of [begin_s, end_s) by the model trained at `cut_s`, from disk when
        they are there."""
        file = self.folder / "answers" / f"{day(cut_s)}-{day(begin_s)}.parquet"
        if not file.exists():
            score(self.model(cut_s), self.examples(cut_s), begin_s, end_s, file)
        return pd.read_parquet(file, columns=["time_s", c.USER, "ndcg"])

    def trigger(self, begin_s: int) -> tuple[int | None, Sequence[str]]:
        """The first midnight of the week at which the policy asks for a run that the calendar does not, and why."""
        file = self.folder / "triggers" / f"{day(begin_s)}.json"
        first = stored(file, lambda: triggered(self.folder, self.examples(begin_s), begin_s, self.run))
        return first["at_s"], first["reasons"]

    def ingest(self) -> None:
        """Makes the tables that all cuts share."""
        if not (self.folder / "tables").exists():
            ingest(data=self.run.data, tables_dir=self.folder / "tables")

    def model(self, cut_s: int) -> Path:
        """The model directory of a cut."""
        return self.job("train", "model", cut_s, self.run, "--input", str(self.examples(cut_s)))

    def examples(self, cut_s: int) -> Path:
        tables = tables_as_of(self.folder / "tables", self.folder / day(cut_s) / "tables", cut_s)
        return self.job("examples", "examples", cut_s, self.run, "--input", str(tables))

    def job(self, stage: str, name: str, cut_s: int, run: RunSettings, *places: str) -> Path:
        """Runs a stage in a process of its own, once; leaves {name}.cost.json, what it cost, beside its output."""
        out = self.folder / day(cut_s) / name
        if not out.exists():
            settings = out.with_name(f"{name}.settings.json")
            data = run.data.replace(cut_date=day(cut_s))
            write_text(settings, run.replace(data=data).to_json())
            command = [sys.executable, "-m", "components.job", stage, "--settings", str(settings), *places]
            ended = child.run([*command, "--out", str(out)])
            ended.check(f"{stage} at {day(cut_s)}")
            write_json(out.with_name(f"{name}.cost.json"), dataclasses.asdict(ended))
        return out

    def _row(self, policy: str, begin_s: int, served: pd.DataFrame, cuts: list[int]) -> None:
        files = [self.folder / day(cut) / f"{name}.cost.json" for cut in cuts for name in ("examples", "model")]
        cpu_s = round(sum(read_json(file)["cpu_s"] for file in files), 1)
        about = {"trips": len(served), "runs": len(cuts), "cpu_s": cpu_s}
        self.rows.append({"policy": policy, "week": day(begin_s)} | mean(served, "ndcg@10") | about)


def mean(served: pd.DataFrame, name: str) -> dict[str, float]:
    """{name, low, high}: mean ndcg a trip with its 95 % interval over shoppers."""
    estimate = ratio(served["ndcg"].to_numpy(), np.ones(len(served)), served[c.USER].to_numpy())
    return {name: estimate.value, "low": estimate.low, "high": estimate.high}


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Writes quality by week as SVG. `rows`: {policy, week, ndcg@10, low, high}."""
    write_text(path, render("cadence/cadence", {"rows": rows}, suffix="svg"))


def score(model_dir: Path, examples: Path, begin_s: int, end_s: int, file: Path) -> None:
    """Asks the model about every trip of [begin_s, end_s) as of its moment; writes one row a trip, as a request log."""
    trips, model = Trips.load(examples / "trips"), load(model_dir)
    which = np.flatnonzero((trips.time_T >= begin_s) & (trips.time_T < end_s))
    index = pd.Index(trips.item_ids)
    rows: list[dict[str, Any]] = []
    for start in range(0, len(which), BATCH):
        requests = [request_of(trips, int(trip), K) for trip in which[start : start + BATCH]]
        for request, answer in zip(requests, model.recommend(requests), strict=True):
            rows.append(
                {
                    "version": model.version,
                    c.USER: request.user_id,
                    "time_s": request.time_s,
                    "logged_s": float(request.time_s),
                    c.STORE: request.store_id,
                    "rung": "full",
                    "state": "found" if len(request.history_item) else "unknown",
                    "item_ids": answer.item_ids,
                    "scores": answer.scores,
                    "reasons": answer.reasons,
                }
            )
    lists = np.full((len(which), K), NO_ITEM, np.int64)
    for n, row in enumerate(rows):
        lists[n, : len(row["item_ids"])] = index.get_indexer(row["item_ids"])
    baskets = [trips.basket(int(trip)) for trip in which]
    hits = find_hits(lists, baskets, [np.zeros(0, int)] * len(which))
    file.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).assign(ndcg=ndcg(hits, K), history_times=None).to_parquet(file, index=False)


def triggered(folder: Path, examples: Path, begin_s: int, settings: RunSettings) -> dict[str, Any]:
    """{at_s, reasons}: the first midnight in the week at which a rule that is no calendar starts a run, else None."""
    tables, path = folder / "tables", examples.parent / "reference"
    if not path.exists():
        reference.build(tables=tables, examples=examples, out=path, run=settings, settings=SETTINGS)
    baseline = reference.load(path)
    cut = examples.parent.name
    requests = pd.read_parquet(folder / "answers" / f"{cut}-{cut}.parquet")
    bought = purchases.read(tables, baseline.cut_s, begin_s + 7 * DAY_S, settings.labels)
    record = run.join(requests, bought, purchases.promotion_starts(tables), baseline, SETTINGS)
    midnights = [begin_s + n * DAY_S for n in range(1, 7)]
    runs = (TrainingRun(began_s=begin_s, kind="scratch", ok=True),)
    for moment_s, checked in zip(midnights, run_checks(record, midnights), strict=True):
        so_far = dataclasses.replace(record, purchases=bought[bought[c.TIME] < moment_s])
        evidence = run.evidence_of(checked.results, so_far)
        # Every check of skew and drift is a trigger here; by default none is.
        decision = decide(RetrainSettings(drift_triggers=evidence.drift), runs, evidence, moment_s)
        if decision.train != "none" and decision.reasons[0].split(":")[0] in TRIGGER_RULES:
            return {"at_s": moment_s, "reasons": list(decision.reasons)}
    return {"at_s": None, "reasons": []}
