"""One shop: its canonical tables, its cuts, and a run of the default recipe at each.

A cut's run sees what is before the next cut: its test span ends there.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from benchmarks.harness import process as child
from components.artifacts.earlier_export import export
from components.artifacts.tables import IngestReport, Tables
from components.engines.engine import open_engine
from components.examples.habits import shoppers_of
from components.ingest.run import ingest
from model.data.labels import is_of_types, judged_types
from model.data.time_split import day
from model.files import read_json, write_json
from tfx_configs.recipes import run_settings
from tfx_configs.units import DAY_S

ENOUGH = 1000
"""Judged trips of a shop."""
MOST_CUTS = 12
SAMPLE_PERCENT = 20.0
"""Shoppers of The Complete Journey: the quality benchmark has all of them."""
SOURCES: dict[str, str] = yaml.safe_load(Path(__file__).with_name("sources.yaml").read_text())
RUN, MEASURED, STOPPED = "run", "measured.json", "stopped.json"


@dataclass(frozen=True, kw_only=True)
class Shop:
    """A shop and the folder of its results."""

    name: str
    path: str
    """As --data has it; empty: The Complete Journey."""
    folder: Path

    @classmethod
    def load(cls, folder: Path) -> "Shop":
        """The shop that was measured in the folder."""
        about = read_json(folder / "shop.json")
        return cls(name=about["name"], path=about["path"], folder=folder)

    @cached_property
    def tables(self) -> Tables:
        """The canonical tables, and shop.json, what is known of the shop; made where they are not there yet."""
        path = self.folder / "tables"
        if not (self.folder / "shop.json").exists():
            data = run_settings(path=self.path).data
            data = data if self.path else data.replace(sample_percent=SAMPLE_PERCENT)
            ingest(data=data, tables_dir=path)
            write_json(self.folder / "shop.json", {"name": self.name, "path": self.path, **self._habits(Tables(path))})
        return Tables(path)

    def _habits(self, tables: Tables) -> dict[str, Any]:
        run, report = run_settings(path=str(tables.directory)), tables.report
        with open_engine(run.data, tables.directory) as engine:
            events = engine.read_parquet(tables.events)
            types = judged_types(run.labels, report.purchases)
            shoppers = shoppers_of(engine, [events.filter(is_of_types(events.__getitem__, types))])
        return {
            "source": SOURCES.get(self.name, self.name),
            "events": report.events,
            "shoppers": shoppers.shoppers,
            "returning": shoppers.returning,
            "repeat_share": round(shoppers.repeat_percent / 100, 3),
        }

    def missing(self) -> Iterator[str]:
        """Cuts that have to be measured next, until there are trips enough or no more cuts."""
        for cut in cuts(self.tables.report):
            at = self.folder / cut
            if not any((at / name).exists() for name in (MEASURED, STOPPED)):
                yield cut
            if self.judged() >= ENOUGH or (at / STOPPED).exists():
                return

    def judged(self) -> int:
        """Trips judged so far."""
        return sum(read_json(path)["trips"] for path in self.folder.glob(f"*/{MEASURED}"))

    def measure(self, cut: str) -> None:
        """Runs the recipe at the cut, and asks all rankers; leaves MEASURED, or STOPPED with the reason."""
        at = self.folder / cut
        every = cuts(self.tables.report)
        later = every[every.index(cut) - 1] if cut != every[0] else None
        export(self.tables, at / "source", before=pd.Timestamp(later) if later else None)
        command = [sys.executable, "-m", "pipelines.cli", "train", "--data", str(at / "source"), "--cut-date", cut]
        ended = child.run([*command, "--out", str(at / RUN)])
        if not (at / RUN / "result.json").exists():
            write_json(at / STOPPED, {"cut": cut, "reason": reason(at / RUN), "seconds": ended.seconds})
            return
        asked = child.run(child.python("benchmarks.shops.work:main", at, cut, str(ended.seconds)))
        asked.check(f"asking the rankers of {self.name} at {cut}")


def cuts(report: IngestReport) -> list[str]:
    """First test days, the last one first: each test span is as long as the last one, and the first half of the time is
    before all of them."""
    days = -(-(report.last_event_s + 1 - report.cut_s) // DAY_S)
    middle_s = (report.first_event_s + report.last_event_s) // 2
    moments = (report.cut_s - n * days * DAY_S for n in range(MOST_CUTS))
    return [day(cut_s) for cut_s in moments if cut_s > middle_s]


def reason(run: Path) -> str:
    """Why a run came to no end: the message of the stage that failed."""
    progress = run / "progress.jsonl"
    events = pd.read_json(progress, lines=True).to_dict("records") if progress.exists() else []
    failed = [f"{event['stage']}: {event['message']}" for event in events if event.get("state") == "failed"]
    return failed[-1] if failed else "no stage failed; see pipeline.log"


def about(shop: Shop) -> dict[str, Any]:
    """shop.json without the path, which is of one machine."""
    facts: dict[str, Any] = read_json(shop.folder / "shop.json")
    return {name: value for name, value in facts.items() if name != "path"}
