"""Cases of the alerts about jobs: training, monitoring and rollouts."""

from tests.pipelines.manifests.observability.case import IN_FLIGHT, Case
from tests.pipelines.manifests.observability.worlds import World, answered, counter, gauge
from tfx_configs.units import DAY_S

CUT = 'aisle_model_cut_timestamp_seconds{namespace="shop",version="%s"}'
SUCCESS = 'aisle_pipeline_last_success_timestamp_seconds{namespace="shop",job="%s",pipeline="%s"}'
FAILURE = 'aisle_pipeline_last_failure_timestamp_seconds{namespace="shop",job="%s",pipeline="%s"}'
CHECK = 'aisle_monitor_check_failed{namespace="shop",check="skew",severity="%s"}'
MONITOR = 'aisle_monitor_last_run_timestamp_seconds{namespace="shop"}'
PERCENT = 'aisle_rollout_percent{namespace="shop",version="v2"}'
EVALUATED = 'aisle_rollout_last_evaluation_timestamp_seconds{namespace="shop",pod="%s"}'
ROLLOUT = 'aisle_rollout_state{namespace="shop",state="%s"}'


def _split(canary: float, percent: tuple[tuple[float, int], ...], asked: float = 100) -> World:
    """Of `asked` requests a minute so many meet the canary; its declared share over time."""
    stable = answered(full=[(asked - canary, 90)])
    mine = {key.replace("v1", "v2"): counter((canary, 90)) for key in stable}
    return stable | mine | {PERCENT: gauge(*percent)}


JOBS = (
    Case(
        alert="AisleModelOld",
        severity="ticket",
        fires={CUT % "v1": gauge((-36 * DAY_S, 80))},
        quiet=(
            {CUT % "v1": gauge((-34 * DAY_S, 80))},
            {CUT % v: gauge((-DAY_S * d, 80)) for v, d in [("v1", 50), ("v2", 29)]},
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
        alert="AisleRolloutStalled",
        severity="ticket",
        fires={ROLLOUT % "running": "1x10 _x70", EVALUATED % "gone": "0+60x10 _x70"},
        quiet=(
            {ROLLOUT % "running": "1x80", EVALUATED % "here": "0+60x80"},
            {ROLLOUT % "running": "1x80", EVALUATED % "gone": "0+60x10 _x70", EVALUATED % "next": "_x15 900+60x65"},
            {ROLLOUT % "running": "0x10 _x70", EVALUATED % "gone": "0+60x10 _x70"},
        ),
        at="78m",
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
            _split(5, ((50, 90),), asked=10),  # too few for a verdict
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
