"""What the user watches while the demo runs: a live table on a terminal, plain lines elsewhere."""

import time
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

STAGES = ("ingest", "validate", "examples", "baselines", "train", "evaluate", "gate", "push", "rollout", "report")
MARKS = {
    "waiting": ("·", "dim"),
    "running": ("▶", "cyan"),
    "done": ("✓", "green"),
    "failed": ("✗", "red"),
    "cached": ("≡", "green"),
}


@dataclass
class Row:
    """One stage on the display."""

    state: str = "waiting"
    message: str = ""
    started: float = 0.0
    seconds: float = 0.0


@dataclass
class Display:
    """Follows stage events; a context manager around the live part."""

    console: Console = field(default_factory=Console)
    rows: dict[str, Row] = field(default_factory=lambda: {name: Row() for name in STAGES})

    def __post_init__(self) -> None:
        self._live = Live(get_renderable=self._table, console=self.console, refresh_per_second=4, transient=False)

    def __enter__(self) -> "Display":
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: Any) -> None:
        if self.console.is_terminal:
            self._live.stop()

    def start(self, stage: str, message: str = "") -> None:
        """The stage runs from now on; earlier ones that never started came from the cache."""
        for name in STAGES[: STAGES.index(stage)]:
            if self.rows[name].state == "waiting":
                self._set(name, "cached", "unchanged, taken from the cache")
        self.rows[stage].started = time.monotonic()
        self._set(stage, "running", message)

    def say(self, stage: str, message: str) -> None:
        self._set(stage, self.rows[stage].state, message)

    def end(self, stage: str, state: str = "done", message: str | None = None, seconds: float | None = None) -> None:
        row = self.rows[stage]
        row.seconds = time.monotonic() - row.started if seconds is None else seconds
        self._set(stage, state, row.message if message is None else message)

    def event(self, event: dict[str, Any]) -> None:
        """One line of a stage's progress file."""
        stage = event.get("stage")
        if stage not in self.rows:
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

    def _set(self, stage: str, state: str, message: str) -> None:
        row = self.rows[stage]
        changed = row.state != state
        row.state, row.message = state, message
        if not self.console.is_terminal and (changed or state == "running"):
            self.console.print(f"{stage:10} {state:8} {message}", highlight=False, soft_wrap=True)

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for name, row in self.rows.items():
            mark, style = MARKS[row.state]
            seconds = time.monotonic() - row.started if row.state == "running" else row.seconds
            clock = f"{seconds:6.0f} s" if row.state != "waiting" else ""
            message = Text(
                row.message, style="" if row.state == "running" else "dim", no_wrap=True, overflow="ellipsis"
            )
            table.add_row(Text(mark, style=style), Text(name, style=style), Text(clock, style="dim"), message)
        return table
