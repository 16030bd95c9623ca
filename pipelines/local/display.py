"""What the user watches while a run goes on: a live table on a terminal, a line now and then elsewhere."""

import time
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from components.kfp_support.progress import ProgressEvent

PIPELINE_STAGES = ("ingest", "validate", "examples", "train", "baselines", "evaluate", "gate", "push")
STAGES = (*PIPELINE_STAGES, "rollout", "monitor", "report")
SIDE_BY_SIDE = {"train", "baselines"}
"""Either may come first: the start of one implies nothing about the other."""
TYPICAL_S = {
    "ingest": 11,
    "validate": 30,
    "examples": 15,
    "train": 210,
    "baselines": 12,
    "evaluate": 27,
    "gate": 1,
    "push": 1,
    "rollout": 37,
    "monitor": 3,
    "report": 1,
}
"""{stage: seconds} of `aisle demo` on two quiet cores; other data and machines mostly differ by one factor."""
MARKS = {
    "waiting": ("·", "dim"),
    "running": ("▶", "cyan"),
    "done": ("✓", "green"),
    "cached": ("=", "green"),
    "failed": ("✗", "red"),
    "stopped": ("■", "yellow"),
}
LINE_EVERY_S = 5.0
"""Without a terminal, how often at most a running stage gets a line."""


@dataclass
class Row:
    """One stage on the display. `started` and `printed` are monotonic seconds."""

    state: str = "waiting"
    message: str = ""
    started: float = 0.0
    seconds: float = 0.0
    printed: float = 0.0


class Display:
    """Follows stage events; a context manager around the live part."""

    def __init__(self, stages: tuple[str, ...] = STAGES, console: Console | None = None) -> None:
        self.console = console or Console()
        self.rows = {name: Row() for name in stages}
        self._begun = time.monotonic()
        self._live = Live(get_renderable=self._table, console=self.console, refresh_per_second=4)

    def __enter__(self) -> "Display":
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *error: Any) -> None:
        for name, row in self.rows.items():
            if row.state == "running":
                self.end(name, "stopped")
        if self.console.is_terminal:
            self._live.stop()

    def start(self, stage: str, message: str = "") -> None:
        """The stage runs from now on; earlier ones that never started came from the cache."""
        for name, row in self.rows.items():
            if name == stage:
                break
            if row.state == "waiting" and not SIDE_BY_SIDE.issuperset((name, stage)):
                self._set(name, "cached", "unchanged, taken from the cache")
        self.rows[stage].started = time.monotonic()
        self._set(stage, "running", message)

    def say(self, stage: str, message: str) -> None:
        """The stage's last words replace those before."""
        self._set(stage, self.rows[stage].state, message)

    def end(self, stage: str, state: str = "done", message: str | None = None, seconds: float | None = None) -> None:
        """The stage has ended; without a message its last one stays."""
        row = self.rows[stage]
        row.seconds = time.monotonic() - row.started if seconds is None else seconds
        self._set(stage, state, row.message if message is None else message)

    def event(self, event: ProgressEvent) -> None:
        """One line of a stage's progress file."""
        stage = event.get("stage")
        if stage is None or stage not in self.rows:
            return
        match event.get("state"):
            case "start":
                self.start(stage)
            case "done":
                self.end(stage, seconds=event["seconds"])
            case "failed":
                self.end(stage, "failed", event["message"])
            case _:
                self.say(stage, event["message"])

    def seconds(self) -> dict[str, float]:
        """{stage: seconds} of the stages that ran or came from the cache (0)."""
        return {name: round(row.seconds, 2) for name, row in self.rows.items() if row.state in ("done", "cached")}

    def remaining(self) -> str:
        """How long the stages take that are still to come; empty before one has ended, at the end, and for other
        stages."""
        ended = [name for name, row in self.rows.items() if row.state == "done"]
        coming = [name for name, row in self.rows.items() if row.state in ("waiting", "running")]
        if not ended or not coming or not TYPICAL_S.keys() >= self.rows.keys():
            return ""
        factor = sum(self.rows[name].seconds for name in ended) / sum(TYPICAL_S[name] for name in ended)
        left_s = sum(max(factor * TYPICAL_S[name] - self._seconds(self.rows[name]), 0.0) for name in coming)
        return f"about {left_s / 60:.0f} minutes left" if left_s >= 90 else "about a minute left"

    def _set(self, stage: str, state: str, message: str) -> None:
        row, now = self.rows[stage], time.monotonic()
        due = row.state != state or now - row.printed >= LINE_EVERY_S
        row.state, row.message = state, message
        if due and not self.console.is_terminal:
            row.printed = now
            clock = f"{self._seconds(row):6.1f} s" if state != "running" else " " * 8
            words = message or (self.remaining() if state == "running" else "")
            line = f"{stage:10} {state:8} {clock}  {words}".rstrip()
            self.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def _seconds(self, row: Row) -> float:
        return time.monotonic() - row.started if row.state == "running" else row.seconds

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for name, row in self.rows.items():
            mark, style = MARKS[row.state]
            clock = f"{self._seconds(row):5.0f} s" if row.state != "waiting" else ""
            words = Text(row.message, style="" if row.state == "running" else "dim", no_wrap=True, overflow="ellipsis")
            table.add_row(Text(mark, style=style), Text(name, style=style), Text(clock, style="dim"), words)
        ended = sum(row.state in ("done", "cached") for row in self.rows.values())
        minutes, seconds = divmod(int(time.monotonic() - self._begun), 60)
        summary = ", ".join(filter(None, [f"{ended} of {len(self.rows)} stages", self.remaining()]))
        overall = Text(summary, style="bold", no_wrap=True, overflow="ellipsis")
        table.add_row("", Text("all", style="bold"), Text(f"{minutes:2d}:{seconds:02d} m", style="dim"), overall)
        return table
