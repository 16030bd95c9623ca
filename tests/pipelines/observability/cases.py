"""For each alert a world in which it fires, and worlds close by in which it keeps silent."""

from dataclasses import dataclass

from tests.pipelines.observability.worlds import DAY_S, World, answered, counter, failing, gauge, histogram, slow


@dataclass(frozen=True, kw_only=True)
class Case:
    """`at`: the moment looked at, from the worlds' beginning. `step`: 1m, 5m or 15m, also of evaluation."""

    alert: str
    severity: str
    fires: World
    quiet: tuple[World, ...]
    at: str
    window: str = ""
    step: str = "1m"


STATE = 'aisle_state_total{namespace="shop",version="v1",result="%s"}'
EVENTS = 'aisle_events_total{namespace="shop",result="%s"}'
FAILURES = 'aisle_model_failures_total{namespace="shop",version="v1"}'
IN_FLIGHT, LIMIT = 'aisle_in_flight{namespace="shop",pod="p"}', 'aisle_in_flight_limit{namespace="shop",pod="p"}'
DROPPED = 'aisle_request_log_dropped_total{namespace="shop",pod="p"}'
CUT = 'aisle_model_cut_timestamp_seconds{namespace="shop",version="%s"}'
SUCCESS = 'aisle_pipeline_last_success_timestamp_seconds{namespace="shop",job="%s",pipeline="%s"}'
FAILURE = 'aisle_pipeline_last_failure_timestamp_seconds{namespace="shop",job="%s",pipeline="%s"}'
CHECK = 'aisle_monitor_check_failed{namespace="shop",check="skew",severity="%s"}'
MONITOR = 'aisle_monitor_last_run_timestamp_seconds{namespace="shop"}'
PERCENT = 'aisle_rollout_percent{namespace="shop",version="v2"}'
ROLLOUT = 'aisle_rollout_state{namespace="shop",state="%s"}'


def _state(unavailable: float, steps: int) -> World:
    found, lost = counter((1000 - unavailable, steps)), counter((unavailable, steps))
    return {STATE % "found": found, STATE % "unavailable": lost}


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


def _split(canary: float, percent: tuple[tuple[float, int], ...], asked: float = 100) -> World:
    """Of `asked` requests a minute so many meet the canary; its declared share over time."""
    found = answered(full=[(asked - canary, 90)])
    mine = {key.replace("v1", "v2"): counter((canary, 90)) for key in found}
    return found | mine | {PERCENT: gauge(*percent)}


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
        alert="AisleSaturated",
        severity="ticket",
        fires={IN_FLIGHT: "50x20", LIMIT: "64x20"},
        quiet=({IN_FLIGHT: "40x20", LIMIT: "64x20"}, {IN_FLIGHT: "10x8 64x1 10x11", LIMIT: "64x20"}),
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
        alert="AisleRequestLogDrops",
        severity="ticket",
        fires={DROPPED: counter((2, 30))},
        quiet=({DROPPED: counter((0, 30))}, {DROPPED: counter((0, 10), (8, 1), (0, 20))}),
        at="25m",
    ),
)

JOBS = (
    Case(
        alert="AisleModelOld",
        severity="ticket",
        fires={CUT % "v1": gauge((-15 * DAY_S, 80))},
        quiet=(
            {CUT % "v1": gauge((-13 * DAY_S, 80))},
            {CUT % v: gauge((-DAY_S * d, 80)) for v, d in [("v1", 20), ("v2", 3)]},
        ),
        at="75m",
    ),
    Case(
        alert="AislePipelineFailed",
        severity="ticket",
        fires={SUCCESS % ("a", "train"): "100x10", FAILURE % ("a", "train"): "200x10"},
        quiet=(
            {SUCCESS % ("a", "train"): "200x10", FAILURE % ("a", "train"): "100x10"},
            {SUCCESS % ("a", "train"): "100x10", FAILURE % ("b", "other"): "_x20"},
        ),
        at="5m",
    ),
    Case(
        alert="AislePipelineFailed",
        severity="ticket",
        fires={FAILURE % ("a", "train"): "200x10"},
        quiet=({SUCCESS % ("b", "train"): "300x10", FAILURE % ("a", "train"): "200x10"},),
        at="5m",
    ),
    Case(
        alert="AislePipelineNotRun",
        severity="ticket",
        fires={SUCCESS % ("a", "aisle-cluster"): gauge((-9 * DAY_S, 80))},
        quiet=(
            {SUCCESS % ("a", "aisle-cluster"): gauge((-7 * DAY_S, 80))},
            {SUCCESS % ("a", "aisle-rollout"): gauge((-9 * DAY_S, 80))},
        ),
        at="75m",
    ),
    Case(
        alert="AisleRolloutStalled",
        severity="ticket",
        fires={ROLLOUT % "running": "1x20", SUCCESS % ("a", "aisle-rollout"): "-4000x20"},
        quiet=(
            {ROLLOUT % "running": "1x20", SUCCESS % ("a", "aisle-rollout"): "-2000x20"},
            {ROLLOUT % "running": "0x20", SUCCESS % ("a", "aisle-rollout"): "-4000x20"},
            {
                ROLLOUT % "running": "1x20",
                SUCCESS % ("a", "aisle-rollout"): "-4000x20",
                FAILURE % ("a", "aisle-rollout"): "-100x20",
            },
        ),
        at="15m",
    ),
    Case(
        alert="AisleMonitorNotRun",
        severity="ticket",
        fires={MONITOR: gauge((-2 * DAY_S, 80))},
        quiet=({MONITOR: gauge((-DAY_S, 80))},),
        at="75m",
    ),
    Case(
        alert="AisleMonitorNotRun",
        severity="ticket",
        fires={IN_FLIGHT: "0x600"},
        quiet=({MONITOR: "100000x100 _x100 100000x500"},),
        at="49h",
        step="5m",
    ),
    Case(
        alert="AisleCheckFailed",
        severity="page",
        fires={CHECK % "page": "1x10"},
        quiet=({CHECK % "page": "0x10"}, {CHECK % "ticket": "1x10"}),
        at="5m",
    ),
    Case(
        alert="AisleCheckFailed",
        severity="ticket",
        fires={CHECK % "ticket": "1x10"},
        quiet=({CHECK % "ticket": "0x10"}, {CHECK % "page": "1x10"}),
        at="5m",
    ),
    Case(
        alert="AisleSplitMismatch",
        severity="ticket",
        fires=_split(20, ((10, 90),)),
        quiet=(
            _split(12, ((10, 90),)),
            _split(5, ((50, 90),), asked=10),  # too few to tell
            _split(20, ((20, 70), (50, 20))),  # the share has just changed
        ),
        at="85m",
    ),
    Case(
        alert="AisleCanaryRolledBack",
        severity="ticket",
        fires={ROLLOUT % "rolled_back": "1x10"},
        quiet=({ROLLOUT % "rolled_back": "0x10", ROLLOUT % "promoted": "1x10"},),
        at="5m",
    ),
)
CASES = (*BURNS, *SERVERS, *HISTORIES, *JOBS)
