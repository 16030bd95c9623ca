"""What the user watches: rows on a terminal, a few plain lines elsewhere."""

import io

import pytest
from rich.console import Console

from pipelines.local import display as module
from pipelines.local.display import PIPELINE_STAGES, TYPICAL_S, Display


class Clock:
    """A clock that the test sets, seconds."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    fake = Clock()
    monkeypatch.setattr(module, "time", fake)
    return fake


@pytest.fixture
def text() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def plain(text: io.StringIO, clock: Clock) -> Display:
    return Display(console=Console(file=text, width=60))


def _event(stage: str, message: str, **fields: object) -> dict[str, object]:
    return {"stage": stage, "message": message, **fields}


def test_a_running_stage_gets_a_line_every_five_seconds_at_most(
    plain: Display, text: io.StringIO, clock: Clock
) -> None:
    plain.event(_event("ingest", "started", state="start"))
    for _ in range(20):
        clock.now += 0.5
        plain.event(_event("ingest", f"at {clock.now:g}"))
    lines = [line.split() for line in text.getvalue().splitlines()]
    assert lines == [["ingest", "running"], ["ingest", "running", "at", "105"], ["ingest", "running", "at", "110"]]


def test_the_end_of_a_stage_is_shown_at_once_with_its_last_message(plain: Display, text: io.StringIO) -> None:
    plain.event(_event("ingest", "started", state="start"))
    plain.event(_event("ingest", "12 [b]events[/b] kept"))
    plain.event(_event("ingest", "done", state="done", seconds=7.25))
    assert text.getvalue().splitlines()[-1] == "ingest     done        7.2 s  12 [b]events[/b] kept"
    assert plain.seconds() == {"ingest": 7.25}


def test_stages_before_a_started_one_came_from_the_cache(plain: Display) -> None:
    plain.event(_event("evaluate", "started", state="start"))
    states = {name: row.state for name, row in plain.rows.items()}
    assert {states[name] for name in ("ingest", "validate", "examples", "train", "baselines")} == {"cached"}
    assert states["gate"] == "waiting"


@pytest.mark.parametrize(("first", "other"), [("train", "baselines"), ("baselines", "train")])
def test_of_the_two_trainings_either_may_come_first(plain: Display, first: str, other: str) -> None:
    plain.event(_event(first, "started", state="start"))
    assert plain.rows[other].state == "waiting"


def test_what_runs_when_the_display_ends_was_stopped(plain: Display, text: io.StringIO) -> None:
    with plain:
        plain.event(_event("train", "started", state="start"))
    assert text.getvalue().splitlines()[-1].startswith("train      stopped")


def test_on_a_terminal_each_stage_has_one_row_and_all_have_one_line(text: io.StringIO, clock: Clock) -> None:
    console = Console(file=text, force_terminal=True, width=70, color_system=None)
    display = Display(PIPELINE_STAGES, console)
    display.event(_event("ingest", "started", state="start"))
    display.event(_event("ingest", "done", state="done", seconds=3.0))
    display.event(_event("validate", "started", state="start"))
    clock.now += 65
    display.say("validate", "a very long message " * 5)
    console.print(display._table())
    rows = text.getvalue().splitlines()
    assert len(rows) == len(PIPELINE_STAGES) + 1
    assert rows[0].split() == ["✓", "ingest", "3", "s"]
    assert rows[1].startswith("▶  validate") and rows[1].rstrip().endswith("…") and "65 s" in rows[1]
    assert rows[2].split() == ["·", "examples"]
    # ingest took 3 of the usual 11 s; validate is over its 8 s, and the six to come usually take 266 s.
    assert " ".join(rows[-1].split()) == "all 1:05 m 1 of 8 stages, about a minute left"


def test_how_long_the_rest_takes_follows_from_the_stages_that_ended(plain: Display, text: io.StringIO) -> None:
    plain.event(_event("ingest", "started", state="start"))
    plain.event(_event("ingest", "done", state="done", seconds=2.0 * TYPICAL_S["ingest"]))
    plain.event(_event("validate", "started", state="start"))
    seconds = 2 * (sum(TYPICAL_S.values()) - TYPICAL_S["ingest"])
    assert text.getvalue().splitlines()[-1] == f"validate   running            about {seconds / 60:.0f} minutes left"
    assert text.getvalue().splitlines()[0] == "ingest     running", "nothing is known yet"


def test_stages_of_another_command_have_no_estimate() -> None:
    display = Display(("data", "trials"), Console(file=io.StringIO()))
    display.event(_event("data", "done", state="done", seconds=1.0))
    assert display.remaining() == ""
