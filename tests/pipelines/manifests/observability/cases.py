"""For each alert a world in which it fires, and worlds close by in which it keeps silent."""

from tests.pipelines.manifests.observability.case import IN_FLIGHT, Case
from tests.pipelines.manifests.observability.history_cases import HISTORIES
from tests.pipelines.manifests.observability.job_cases import JOBS
from tests.pipelines.manifests.observability.worlds import World, answered, counter, failing, histogram, slow

TURNED_AWAY = 'aisle_refused_total{namespace="shop",pod="p",cause="%s"}'
FAILURES = 'aisle_model_failures_total{namespace="shop",version="v1"}'
BROKEN = 'aisle_contract_violations_total{namespace="shop",pod="p",version="v1",kind="%s"}'
LIMIT = 'aisle_in_flight_limit{namespace="shop",pod="p"}'


def _stage(stage: str, under_10_ms: float, under_25_ms: float) -> World:
    edges = {"0.01": [(under_10_ms, 40)], "0.025": [(under_25_ms, 40)], "+Inf": [(1000.0, 40)]}
    count = {f'aisle_stage_seconds_count{{namespace="shop",version="v1",stage="{stage}"}}': counter((1000.0, 40))}
    return histogram("aisle_stage_seconds", f'version="v1",stage="{stage}",', edges) | count


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

CASES = (*BURNS, *SERVERS, *HISTORIES, *JOBS)
