"""Cases of the alerts about histories, events and the request log."""

from tests.pipelines.manifests.observability.case import Case
from tests.pipelines.manifests.observability.worlds import World, answered, counter, gauge, histogram

STATE = 'aisle_state_total{namespace="shop",version="v1",result="%s"}'
EVENTS = 'aisle_events_total{namespace="shop",result="%s"}'
BAD_EVENTS = 'aisle_events_refused_total{namespace="shop",cause="time"}'
AHEAD = 'aisle_events_ahead_total{namespace="shop"}'
WAITING = 'aisle_request_log_waiting_seconds{namespace="shop",pod="%s"}'
SHORT = 'aisle_short_answers_total{namespace="shop",version="v1",shelf="list"}'
DROPPED = 'aisle_request_log_dropped_total{namespace="shop",pod="p"}'


def _state(unavailable: float, steps: int) -> World:
    available, lost = counter((1000 - unavailable, steps)), counter((unavailable, steps))
    return {STATE % "found": available, STATE % "unavailable": lost}


def _ages(*below_a_day_and_a_week: tuple[float, float, int]) -> World:
    """Per step, of 100 shoppers: how many bought within a day, within a week; all within 28 days."""
    day = [(a, n) for a, _, n in below_a_day_and_a_week]
    week = [(b, n) for _, b, n in below_a_day_and_a_week]
    month = [(100.0, n) for *_, n in below_a_day_and_a_week]
    edges = {"86400.0": day, "604800.0": week, "2419200.0": month, "+Inf": month}
    return histogram("aisle_state_age_seconds", 'version="v1",', edges)


def _lags(under_a_quarter: float) -> World:
    edges = {"300.0": [(0.0, 90)], "900.0": [(under_a_quarter, 90)], "3600.0": [(100.0, 90)], "+Inf": [(100.0, 90)]}
    return histogram("aisle_event_lag_seconds", "", edges)


def _purchases(*added: tuple[float, int], asked: float = 100) -> World:
    return {EVENTS % "added": counter(*added)} | answered(full=[(asked, sum(count for _, count in added))])


HISTORIES = (
    Case(
        alert="AisleStateUnavailable",
        severity="page",
        fires=_state(300, 20),
        quiet=(_state(150, 20),),
        at="15m",
    ),
    Case(
        alert="AisleStateUnsteady",
        severity="ticket",
        fires=_state(20, 60),
        quiet=(_state(5, 60),),
        at="50m",
    ),
    Case(
        alert="AisleStateStale",
        severity="ticket",
        fires=_ages((40, 90, 700), (5, 15, 40)),
        quiet=(_ages((40, 90, 740)), _ages((40, 90, 700), (30, 80, 40))),
        at="184h",
        step="15m",
    ),
    Case(
        alert="AisleEventsRefused",
        severity="ticket",
        fires={EVENTS % "unavailable": counter((1, 30))},
        quiet=({EVENTS % "unavailable": counter((0, 30))}, {EVENTS % "unavailable": counter((0, 10), (5, 1), (0, 20))}),
        at="25m",
    ),
    Case(
        alert="AisleEventsBad",
        severity="ticket",
        fires={BAD_EVENTS: counter((1, 60)), AHEAD: counter((0, 60))},
        quiet=(
            {BAD_EVENTS: counter((0.1, 60)), AHEAD: counter((0.1, 60))},
            {BAD_EVENTS: counter((0, 5), (5, 1), (0, 54)), AHEAD: counter((0, 60))},
        ),
        at="50m",
    ),
    Case(
        alert="AisleEventsStopped",
        severity="ticket",
        fires=_purchases((5, 60), (0, 60)),
        quiet=(
            _purchases((5, 120)),
            _purchases((0, 120)),  # purchases come another way here
            _purchases((5, 60), (0, 60), asked=1),  # the shop is closed
        ),
        at="1h55m",
    ),
    Case(
        alert="AisleEventsLate",
        severity="ticket",
        fires=_lags(40),
        quiet=(_lags(60),),
        at="1h20m",
    ),
    Case(
        alert="AisleShortAnswers",
        severity="ticket",
        fires={SHORT: counter((2, 60))} | answered(full=[(100, 60)]),
        quiet=(
            {SHORT: counter((0.5, 60))} | answered(full=[(100, 60)]),
            {SHORT: counter((0, 40), (2, 10), (0, 10))} | answered(full=[(100, 60)]),
        ),
        at="55m",
    ),
    Case(
        alert="AisleRequestLogDrops",
        severity="ticket",
        fires={DROPPED: counter((2, 30))},
        quiet=({DROPPED: counter((0, 30))}, {DROPPED: counter((0, 10), (8, 1), (0, 20))}),
        at="25m",
    ),
    Case(
        alert="AisleRequestLogBehind",
        severity="ticket",
        fires={WAITING % "p": "0+60x40", WAITING % "q": gauge((5, 41))},
        quiet=(
            {WAITING % "p": gauge((800, 41))},
            {WAITING % "p": "0+60x20 5x19"},  # the store was away for a while
        ),
        at="30m",
    ),
)
