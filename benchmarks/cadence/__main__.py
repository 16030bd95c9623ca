"""How often is a model worth training again? The last twelve weeks, served by a model that is never trained again, one
that is trained every week, and one that is trained every week and whenever the monitor asks for it besides.

`python -m benchmarks.cadence [--fast] [--weeks N]` does what is not there yet in build/bench/cadence, and writes
build/bench/cadence.json anew after every week: it may be ended and started again at any time. A full training takes
minutes on both cores, so all of it takes an hour; `--fast` is a sample of shoppers and short training, for trying.
"""

import argparse
import dataclasses
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.dataset as ds

from benchmarks.cadence.plot import draw
from benchmarks.cadence.weeks import Served, score, triggered
from benchmarks.harness import process as child
from benchmarks.harness.result_file import RESULTS, write_result
from components.ingest.run import ingest
from components.kfp_support.progress import progress
from model.data import columns as c
from model.data.time_split import day
from model.errors import StageFailed
from model.evaluation.clustered_errors import Estimate, ratio
from model.files import read_json, write_json, write_text
from tfx_configs import recipes
from tfx_configs.settings import RunSettings
from tfx_configs.units import WEEK_S

WEEKS, SEED = 12, 7
NEVER, WEEKLY, TRIGGERS = "never", "weekly", "weekly and triggers"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fast", action="store_true", help="a sample and short training: for trying")
    parser.add_argument("--weeks", type=int, default=WEEKS, help="weeks at the end of the data (%(default)s)")
    arguments = parser.parse_args()
    name = "cadence-fast" if arguments.fast else "cadence"
    run = recipes.fast() if arguments.fast else recipes.full()
    walk = Walk(folder=RESULTS / name, run=run, weeks=arguments.weeks)
    for _ in walk.play():
        print(write_result(f"{name}/trial" if arguments.fast else name, walk.result(), SEED))
        draw(walk.rows, RESULTS / name / "cadence.svg")


@dataclasses.dataclass(kw_only=True)
class Walk:
    """Twelve weeks, three policies, one store of models and of what they answered."""

    folder: Path
    run: RunSettings
    weeks: int
    rows: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    paired: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    pairs: list[tuple[np.ndarray, np.ndarray]] = dataclasses.field(default_factory=list)
    """Of each week, what weekly training gained on each trip, and whose trip it was."""
    triggers: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    def play(self) -> Iterator[int]:
        """Yields after each week."""
        self._tables()
        start_s = self._end_s() - self.weeks * WEEK_S
        for week in range(self.weeks):
            begin_s = start_s + week * WEEK_S
            progress(f"week {week + 1} of {self.weeks}, from {day(begin_s)}")
            never = self.serve(start_s, begin_s, begin_s + WEEK_S)
            weekly = self.serve(begin_s, begin_s, begin_s + WEEK_S)
            moment_s, reasons = self.trigger(begin_s)
            besides = weekly
            if moment_s is not None:
                self.triggers.append({"week": day(begin_s), "at": day(moment_s), "reasons": list(reasons)})
                fresh = self.serve(moment_s, moment_s, begin_s + WEEK_S)
                besides = weekly.until(moment_s).then(fresh)
            self._row(NEVER, begin_s, never, [start_s] if week == 0 else [])
            self._row(WEEKLY, begin_s, weekly, [begin_s])
            self._row(TRIGGERS, begin_s, besides, [begin_s] + ([moment_s] if moment_s is not None else []))
            gain = ratio(weekly.ndcg_T - never.ndcg_T, np.ones(len(never.ndcg_T)), never.user_T)
            self.paired.append({"week": day(begin_s)} | _told(gain))
            self.pairs.append((weekly.ndcg_T - never.ndcg_T, never.user_T))
            yield week

    def result(self) -> dict[str, Any]:
        """cadence: [{policy, week, ndcg@10, low, high, trips, runs, cpu_s}]; what weekly gains over never."""
        gain_T, user_T = (np.concatenate(parts) for parts in zip(*self.pairs, strict=True))
        return {
            "cadence": self.rows,
            "weekly_over_never": self.paired,
            "weekly_over_never_overall": _told(ratio(gain_T, np.ones(len(gain_T)), user_T)),
            "triggers": self.triggers,
            "sample_percent": self.run.data.sample_percent,
        }

    def serve(self, cut_s: int, begin_s: int, end_s: int) -> Served:
        """Answers of the model trained at `cut_s` to the trips of [begin_s, end_s), from disk when they are there."""
        file = self.folder / "answers" / f"{day(cut_s)}-{day(begin_s)}.parquet"
        if not file.exists():
            score(self.model(cut_s), self.examples(cut_s), begin_s, end_s, file)
        return Served.load(file)

    def trigger(self, begin_s: int) -> tuple[int | None, Sequence[str]]:
        """The first midnight of the week at which the policy asks for a run that the calendar does not, and why."""
        file = self.folder / "triggers" / f"{day(begin_s)}.json"
        if not file.exists():
            self.serve(begin_s, begin_s, begin_s + WEEK_S)
            found = triggered(self.folder, self.examples(begin_s), begin_s, self.run)
            write_json(file, found)
        found = read_json(file)
        return found["at_s"], found["reasons"]

    def model(self, cut_s: int) -> Path:
        """The model directory of a cut."""
        return self._made(cut_s, "model", "train", self.examples(cut_s))

    def examples(self, cut_s: int) -> Path:
        moved = self.folder / day(cut_s) / "tables"
        if not moved.exists():
            moved.mkdir(parents=True)
            for path in (self.folder / "tables").iterdir():
                (moved / path.name).symlink_to(path.resolve())
            (moved / "ingest.json").unlink()
            report = read_json(self.folder / "tables" / "ingest.json")
            write_json(moved / "ingest.json", report | {"cut_s": cut_s, "cut": day(cut_s)})
        return self._made(cut_s, "examples", "examples", moved)

    def _made(self, cut_s: int, name: str, stage: str, source: Path) -> Path:
        """What a stage makes of `source`."""
        out = self.folder / day(cut_s) / name
        return self.job(stage, out, cut_s, self.run, "--input", str(source))

    def job(self, stage: str, out: Path, cut_s: int, run: RunSettings, *places: str) -> Path:
        """Runs a stage in a process of its own, once; leaves {out}.cost.json, what it cost, beside its output."""
        if not out.exists():
            settings = out.with_name(f"{out.name}.settings.json")
            data = run.data.replace(cut_date=day(cut_s))
            write_text(settings, run.replace(data=data).to_json())
            command = [sys.executable, "-m", "components.job", stage, "--settings", str(settings), *places]
            ended = child.run([*command, "--out", str(out)])
            if ended.code:
                raise StageFailed(f"expected {stage} at {day(cut_s)} to end well, got exit code {ended.code}")
            write_json(out.with_name(f"{out.name}.cost.json"), dataclasses.asdict(ended))
        return out

    def _row(self, policy: str, begin_s: int, served: Served, cuts: list[int]) -> None:
        found = ratio(served.ndcg_T, np.ones(len(served.ndcg_T)), served.user_T)
        costs = [
            read_json(self.folder / day(cut) / f"{name}.cost.json")["cpu_s"]
            for cut in cuts
            for name in ("examples", "model")
        ]
        self.rows.append(
            {
                "policy": policy,
                "week": day(begin_s),
                "ndcg@10": found.value,
                "low": found.low,
                "high": found.high,
                "trips": len(served.ndcg_T),
                "runs": len(cuts),
                "cpu_s": round(sum(costs), 1),
            }
        )

    def _tables(self) -> None:
        if not (self.folder / "tables").exists():
            ingest(data=self.run.data, tables_dir=self.folder / "tables")

    def _end_s(self) -> int:
        """The last midnight of the data, unix seconds."""
        times = ds.dataset(self.folder / "tables" / "events", format="parquet").to_table(columns=[c.TIME])[c.TIME]
        return int(times.to_numpy().max().astype("datetime64[D]").astype("datetime64[s]").astype(int))


def _told(gain: Estimate) -> dict[str, float]:
    return {"gain": gain.value, "low": gain.low, "high": gain.high}


if __name__ == "__main__":
    main()
