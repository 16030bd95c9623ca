"""For each alert a world in which it fires, and worlds close by in which it keeps silent."""

from tests.pipelines.manifests.observability.case import IN_FLIGHT, Case
from tests.pipelines.manifests.observability.job_cases import JOBS
from tests.pipelines.manifests.observability.worlds import World, answered, counter, failing, gauge, histogram, slow

STATE = 'aisle_state_total{namespace="shop",version="v1",result="%s"}'
EVENTS = 'aisle_events_total{namespace="shop",result="%s"}'
BAD_EVENTS = 'aisle_events_refused_total{namespace="shop",cause="time"}'
AHEAD = 'aisle_events_ahead_total{namespace="shop"}'
TURNED_AWAY = 'aisle_refused_total{namespace="shop",pod="p",cause="%s"}'
FAILURES = 'aisle_model_failures_total{namespace="shop",version="v1"}'
BROKEN = 'aisle_contract_violations_total{namespace="shop",pod="p",version="v1",kind="%s"}'
LIMIT = 'aisle_in_flight_limit{namespace="shop",pod="p"}'
WAITING = 'aisle_request_log_waiting_seconds{namespace="shop",pod="%s"}'
SHORT = 'aisle_short_answers_total{namespace="shop",version="v1",shelf="list"}'
DROPPED = 'aisle_request_log_dropped_total{namespace="shop",pod="p"}'


def _state(unavailable: float, steps: int) -> World:
    available, lost = counter((1000 - unavailable, steps)), counter((unavailable, steps))
    return {STATE % "found": available, STATE % "unavailable": lost}


def _stage(stage: str, under_10_ms: float, under_25_ms: float) -> World:
    edges = {"0.01": [(under_10_ms, 40)], "0.025": [(under_25_ms, 40)], "+Inf": [(1000.0, 40)]}
    count = {f'aisle_stage_seconds_count{{namespace="shop",version="v1",stage="{stage}"}}': counter((1000.0, 40))}
    return histogram("aisle_stage_seconds", f'version="v1",stage="{stage}",', edges) | count


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


BURNS = (
    Case(
        alert="AisleAvailabilityBurn",
        severity="page",
        window="1h",
        fires=failing([(0, 120), (0.1, 20)]),
        quiet=(failing([(0, 120), (0.1, 5), (0, 15)]), failing([(0.014, 140)])),
        at="2h18m",
    ),
    Case(
        alert="AisleAvailabilityBurn",
        severity="page",
        window="6h",
        fires=failing([(0, 400), (0.02, 140)]),
        quiet=(failing([(0.005, 540)]), failing([(0, 400), (0.02, 100), (0, 40)])),
        at="9h",
    ),
    Case(
        alert="AisleAvailabilityBurn",
        severity="ticket",
        window="1d",
        fires=failing([(0.004, 107)]),
        quiet=(failing([(0.0029, 107)]), failing([(0, 40), (0.004, 50), (0, 17)])),
        at="26h",
        step="15m",
    ),
    Case(
        alert="AisleAvailabilityBurn",
        severity="ticket",
        window="3d",
        fires=failing([(0.0011, 334)]),
        quiet=(failing([(0.0009, 334)]), failing([(0.0015, 284), (0, 50)])),
        at="80h",
        step="15m",
    ),
    Case(
        alert="AisleLatencyBurn",
        severity="page",
        window="1h",
        fires=slow([(0, 120), (0.9, 20)]),
        quiet=(slow([(0, 120), (0.9, 5), (0, 15)]), slow([(0.14, 140)])),
        at="2h18m",
    ),
    Case(
        alert="AisleLatencyBurn",
        severity="page",
        window="6h",
        fires=slow([(0, 400), (0.2, 140)]),
        quiet=(slow([(0.05, 540)]), slow([(0, 400), (0.2, 100), (0, 40)])),
        at="9h",
    ),
    Case(
        alert="AisleLatencyBurn",
        severity="ticket",
        window="1d",
        fires=slow([(0.04, 107)]),
        quiet=(slow([(0.029, 107)]), slow([(0, 40), (0.04, 50), (0, 17)])),
        at="26h",
        step="15m",
    ),
    Case(
        alert="AisleLatencyBurn",
        severity="ticket",
        window="3d",
        fires=slow([(0.011, 334)]),
        quiet=(slow([(0.009, 334)]), slow([(0.015, 284), (0, 50)])),
        at="80h",
        step="15m",
    ),
)

SERVERS = (
    Case(
        alert="AisleAbsent",
        severity="page",
        fires={IN_FLIGHT: "0x10 _x20"},
        quiet=({IN_FLIGHT: "0x30"}, {IN_FLIGHT: "0x10 _x3 0x20"}),
        at="25m",
    ),
    Case(
        alert="AisleDown",
        severity="ticket",
        fires={'up{namespace="shop",job="aisle/aisle",pod="p"}': "0x20"},
        quiet=(
            {'up{namespace="shop",job="aisle/aisle",pod="p"}': "0x5 1x15"},
            {'up{namespace="shop",job="other",pod="p"}': "0x20"},
        ),
        at="15m",
    ),
    Case(
        alert="AisleNoTraffic",
        severity="page",
        fires=answered(full=[(100.0, 2020), (0.0, 20)]),
        quiet=(
            answered(full=[(100.0, 2040)]),
            answered(full=[(100.0, 10), (0.0, 50), (100.0, 1960), (0.0, 20)]),  # closed at this time of the week
        ),
        at="169h30m",
        step="5m",
    ),
    Case(
        alert="AisleMostlyFallbacks",
        severity="page",
        fires=answered(full=[(40.0, 20)], personal_frequency=[(50.0, 20)], popular=[(10.0, 20)]),
        quiet=(answered(full=[(60.0, 20)], popular=[(40.0, 20)]),),
        at="15m",
    ),
    Case(
        alert="AisleFallbacks",
        severity="ticket",
        fires=answered(full=[(93.0, 40)], fewer_candidates=[(7.0, 40)]),
        quiet=(answered(full=[(96.0, 40)], fewer_candidates=[(4.0, 40)]),),
        at="35m",
    ),
    Case(
        alert="AisleModelFails",
        severity="ticket",
        fires=answered(full=[(100.0, 30)]) | {FAILURES: counter((2, 30))},
        quiet=(
            answered(full=[(100.0, 30)]) | {FAILURES: counter((0.5, 30))},
            answered(full=[(100.0, 30)]) | {FAILURES: counter((2, 5), (0, 25))},
        ),
        at="25m",
    ),
    Case(
        alert="AisleAnswersBroken",
        severity="ticket",
        fires=answered(full=[(1000.0, 30)]) | {BROKEN % "short": counter((1, 30)), BROKEN % "score": counter((1, 30))},
        quiet=(
            answered(full=[(1000.0, 30)]) | {BROKEN % "short": counter((0.5, 30)), BROKEN % "score": counter((0, 30))},
            answered(full=[(100.0, 30)]) | {BROKEN % "short": counter((0.5, 30))},
            answered(full=[(1000.0, 30)]) | {BROKEN % "short": counter((5, 5), (0, 25))},
        ),
        at="25m",
    ),
    Case(
        alert="AisleStageSlow",
        severity="ticket",
        fires=_stage("rank", 500, 980),
        quiet=(_stage("rank", 500, 1000), _stage("state", 1000, 1000)),
        at="30m",
    ),
    Case(
        alert="AisleStageSlow",
        severity="ticket",
        fires=_stage("state", 980, 1000),
        quiet=(_stage("retrieve", 980, 1000),),
        at="30m",
    ),
    Case(
        alert="AisleShedding",
        severity="ticket",
        fires=answered(full=[(990.0, 20)], shed=[(10.0, 20)]),
        quiet=(answered(full=[(999.5, 20)], shed=[(0.5, 20)]), answered(full=[(990.0, 20)], bad_request=[(10.0, 20)])),
        at="15m",
    ),
    Case(
        alert="AisleTurnedAway",
        severity="ticket",
        fires={TURNED_AWAY % "body_size": counter((20, 40))},
        quiet=({TURNED_AWAY % "body_size": counter((10, 40))}, {TURNED_AWAY % "in_flight": counter((100, 40))}),
        at="30m",
    ),
    Case(
        alert="AisleSaturated",
        severity="ticket",
        fires={IN_FLIGHT: "42x20", LIMIT: "64x20"},
        quiet=({IN_FLIGHT: "36x20", LIMIT: "64x20"}, {IN_FLIGHT: "10x8 64x1 10x11", LIMIT: "64x20"}),
        at="15m",
    ),
)

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

CASES = (*BURNS, *SERVERS, *HISTORIES, *JOBS)
