"""The alerts that no objective tells, by what they watch. Each has an entry in docs/runbook.md.

Everything is kept apart by `namespace`, which the Prometheus operator adds: two installations never mix.
"""

from components.kfp_support.pushgateway import (
    CHECK_FAILED,
    MONITOR_RUN,
    PIPELINE_FAILURE,
    PIPELINE_SUCCESS,
    ROLLOUT_PERCENT,
    ROLLOUT_STATE,
)
from components.monitor.retraining.kfp_trainer import PIPELINE
from pipelines.manifests.observability.objectives import FEWEST_BAD, OBJECTIVES, objective_group
from pipelines.manifests.observability.rules import Alert, Group
from tfx_configs.monitoring import MonitorSettings

JOB = "aisle/aisle"
"""What the operator calls the PodMonitor's targets."""
MODEL_OLD_S = round(86_400 * MonitorSettings().max_model_age_days)
"""As the monitor's check: a fresh model's cut lies as far back as the span that it was judged on is long."""
BY_VERSION = "sum by (namespace, version)"
BY_NAMESPACE = "sum by (namespace)"
ASKED = 'increase(aisle_requests_total{outcome!="bad_request"}[30m])'

OK, FALLBACKS = 'aisle_requests_total{outcome="ok"}', 'aisle_requests_total{outcome="ok",rung!="full"}'


def _share(bad: str, total: str, window: str, above: float, by: str = BY_NAMESPACE) -> str:
    """More than a share `above` of one counter in another, and not just a few."""
    return f"""{by} (rate({bad}[{window}]))
        / {by} (rate({total}[{window}])) > {above:g}
        and {by} (increase({bad}[{window}])) >= {FEWEST_BAD}"""


def _slow(stage: str, bucket: str) -> str:
    """The share of batches over `bucket` seconds, where it is more than one in a hundred, and not just a few.

    stage: a matcher of the label.
    """
    by, all_of = "sum by (namespace, version, stage)", f"aisle_stage_seconds_count{{{stage}}}[10m]"
    quick = f'aisle_stage_seconds_bucket{{{stage},le="{bucket}"}}[10m]'
    return f"""({by} (rate({all_of}))
        - {by} (rate({quick})))
        / {by} (rate({all_of})) > 0.01
        and ({by} (increase({all_of}))
        - {by} (increase({quick}))) >= {FEWEST_BAD}"""


PRESENCE = (
    Alert(
        name="AisleAbsent",
        expr="absent(aisle_in_flight)",
        wait="5m",
        severity="page",
        summary="No model server reports anything.",
    ),
    Alert(
        name="AisleDown",
        expr=f'up{{job="{JOB}"}} == 0',
        wait="10m",
        severity="ticket",
        summary="The model server {{ $labels.pod }} cannot be scraped.",
    ),
    Alert(
        name="AisleNoTraffic",
        expr=f"""{BY_NAMESPACE} (rate(aisle_requests_total[15m])) == 0
            and {BY_NAMESPACE} (rate(aisle_requests_total[15m] offset 1w)) > 0.05""",
        wait="5m",
        severity="page",
        summary="No request reaches the model servers; a week ago at this time there were "
        "some. They see nothing of what fails before them.",
    ),
)

LADDER = (
    Alert(
        name="AisleMostlyFallbacks",
        expr=_share(FALLBACKS, OK, "5m", 0.5, BY_VERSION),
        wait="5m",
        severity="page",
        summary="{{ $value | humanizePercentage }} of the answers of {{ $labels.version }} are not the full model's.",
    ),
    Alert(
        name="AisleFallbacks",
        expr=_share(FALLBACKS, OK, "15m", 0.05, BY_VERSION),
        wait="15m",
        severity="ticket",
        summary="{{ $value | humanizePercentage }} of the answers of {{ $labels.version }} are not the full model's.",
    ),
    Alert(
        name="AisleModelFails",
        expr=_share("aisle_model_failures_total", OK, "10m", 0.01, BY_VERSION),
        wait="10m",
        severity="ticket",
        summary="The model {{ $labels.version }} fails on {{ $value | humanizePercentage }} of the requests.",
    ),
    Alert(
        name="AisleStageSlow",
        expr=_slow('stage!="state"', "0.025") + "\nor " + _slow('stage="state"', "0.01"),
        wait="10m",
        severity="ticket",
        summary="{{ $value | humanizePercentage }} of the batches of {{ $labels.version }} are slow "
        "in the stage {{ $labels.stage }}.",
    ),
)

LOAD = (
    Alert(
        name="AisleShedding",
        expr=_share('aisle_requests_total{outcome="shed"}', "aisle_requests_total", "5m", 0.001),
        wait="5m",
        severity="ticket",
        summary="{{ $value | humanizePercentage }} of the requests are turned away: more come than can be answered.",
    ),
    Alert(
        name="AisleSaturated",
        expr="avg_over_time(aisle_in_flight[5m]) > 0.7 * aisle_in_flight_limit",
        wait="5m",
        severity="ticket",
        summary="{{ $labels.pod }} answers {{ $value }} requests at a time, close to its limit.",
    ),
)

STATE = (
    Alert(
        name="AisleStateUnavailable",
        expr=_share('aisle_state_total{result="unavailable"}', "aisle_state_total", "5m", 0.2),
        wait="5m",
        severity="page",
        summary="{{ $value | humanizePercentage }} of the shoppers are answered as strangers: "
        "their history cannot be had.",
    ),
    Alert(
        name="AisleStateUnsteady",
        expr=_share('aisle_state_total{result="unavailable"}', "aisle_state_total", "30m", 0.01),
        wait="15m",
        severity="ticket",
        summary="{{ $value | humanizePercentage }} of the histories are not to be had in time.",
    ),
    Alert(
        name="AisleStateStale",
        expr="""histogram_quantile(0.5, sum by (namespace, le) (rate(aisle_state_age_seconds_bucket[6h])))
            > 2 * histogram_quantile(0.5, sum by (namespace, le) (rate(aisle_state_age_seconds_bucket[6h] offset 1w)))
            and histogram_quantile(0.5, sum by (namespace, le) (rate(aisle_state_age_seconds_bucket[6h]))) > 86400""",
        wait="1h",
        severity="ticket",
        summary="Half the shoppers' last known purchase is over {{ $value | humanizeDuration }} old, "
        "twice as old as a week ago.",
    ),
    Alert(
        name="AisleEventsRefused",
        expr=f'{BY_NAMESPACE} (rate(aisle_events_total{{result="unavailable"}}[10m])) > 0',
        wait="10m",
        severity="ticket",
        summary="Purchases cannot be kept; whoever sends them must send them again.",
    ),
    Alert(
        name="AisleEventsStopped",
        expr=f"""{BY_NAMESPACE} (increase(aisle_events_total{{result="added"}}[30m])) == 0
            and {BY_NAMESPACE} (increase(aisle_events_total{{result="added"}}[1w] offset 30m)) > 100
            and {BY_NAMESPACE} (increase(aisle_requests_total{{outcome="ok"}}[30m])) > 100""",
        wait="15m",
        severity="ticket",
        summary="No new purchase came in for half an hour, while shoppers ask for recommendations.",
    ),
    Alert(
        name="AisleEventsLate",
        expr="histogram_quantile(0.5, sum by (namespace, le) (rate(aisle_event_lag_seconds_bucket[30m]))) > 900",
        wait="30m",
        severity="ticket",
        summary="Half the purchases come in over {{ $value | humanizeDuration }} late.",
    ),
)

LOG_AND_MODEL = (
    Alert(
        name="AisleRequestLogDrops",
        expr=f"{BY_NAMESPACE} (increase(aisle_request_log_dropped_total[15m])) > 10",
        wait="5m",
        severity="ticket",
        summary="{{ $value | humanize }} lines of the request log were given up in a quarter of an hour.",
    ),
    Alert(
        name="AisleRequestLogBehind",
        expr=f"max by (namespace, pod) (aisle_request_log_waiting_seconds) > {15 * 60}",
        wait="10m",
        severity="ticket",
        summary="{{ $labels.pod }} has lines of the request log that nobody has taken away "
        "for {{ $value | humanizeDuration }}.",
    ),
    Alert(
        name="AisleModelOld",
        expr=f"time() - max by (namespace) (aisle_model_cut_timestamp_seconds) > {MODEL_OLD_S}",
        wait="15m",
        severity="ticket",
        summary="The newest model knows nothing of the last {{ $value | humanizeDuration }}.",
    ),
)

JOBS = (
    Alert(
        name="AislePipelineFailed",
        expr=f"""max by (namespace, pipeline) ({PIPELINE_FAILURE})
            > max by (namespace, pipeline) ({PIPELINE_SUCCESS})
            or max by (namespace, pipeline) ({PIPELINE_FAILURE})
            unless on (namespace, pipeline) {PIPELINE_SUCCESS}""",
        severity="ticket",
        summary="The last run of the pipeline {{ $labels.pipeline }} failed.",
    ),
    Alert(
        name="AislePipelineNotRun",
        expr=f'time() - max by (namespace, pipeline) ({PIPELINE_SUCCESS}{{pipeline="{PIPELINE}"}}) > {8 * 86400}',
        wait="15m",
        severity="ticket",
        summary="The pipeline {{ $labels.pipeline }} has not succeeded for {{ $value | humanizeDuration }}.",
    ),
    Alert(
        name="AisleRolloutStalled",
        expr=f"""{ROLLOUT_STATE}{{state="running"}} == 1
            and on (namespace) time() - max by (namespace) (
            {{__name__=~"{PIPELINE_SUCCESS}|{PIPELINE_FAILURE}",pipeline="aisle-rollout"}}) > 3600""",
        wait="5m",
        severity="ticket",
        summary="A canary has traffic and nobody has looked at its evidence for an hour.",
    ),
    Alert(
        name="AisleMonitorNotRun",
        expr=f"time() - max by (namespace) ({MONITOR_RUN}) > {2 * 86400}",
        wait="15m",
        severity="ticket",
        summary="`aisle monitor` has not run for {{ $value | humanizeDuration }}: nobody watches data and quality.",
    ),
    Alert(
        name="AisleMonitorNotRun",
        expr=f"absent({MONITOR_RUN})",
        wait="2d",
        severity="ticket",
        labels={"never": "true"},
        summary="`aisle monitor` has told nothing for two days: nobody watches data and quality.",
    ),
    Alert(
        name="AisleCheckFailed",
        expr=f'max by (namespace, check) ({CHECK_FAILED}{{severity="page"}}) == 1',
        severity="page",
        summary="The check {{ $labels.check }} of `aisle monitor` fails.",
    ),
    Alert(
        name="AisleCheckFailed",
        expr=f'max by (namespace, check) ({CHECK_FAILED}{{severity!="page"}}) == 1',
        severity="ticket",
        summary="The check {{ $labels.check }} of `aisle monitor` fails.",
    ),
)

ROLLOUT = (
    Alert(
        name="AisleSplitMismatch",
        expr=f"""abs(100 * {BY_VERSION} ({ASKED}) / on (namespace) group_left () {BY_NAMESPACE} ({ASKED})
            - on (namespace, version) max by (namespace, version) ({ROLLOUT_PERCENT})) > 5
            and on (namespace) {BY_NAMESPACE} ({ASKED}) > 1000
            and on (namespace, version) ({ROLLOUT_PERCENT} == {ROLLOUT_PERCENT} offset 30m)""",
        wait="10m",
        severity="ticket",
        summary="The canary {{ $labels.version }} is {{ $value | humanize }} percentage points off its declared share.",
    ),
    Alert(
        name="AisleCanaryRolledBack",
        expr=f'max by (namespace) ({ROLLOUT_STATE}{{state="rolled_back"}}) == 1',
        severity="ticket",
        summary="The last canary was rolled back; stable serves everybody.",
    ),
)

GROUPS = (
    *(objective_group(objective) for objective in OBJECTIVES),
    Group(name="aisle-presence", rules=PRESENCE),
    Group(name="aisle-ladder", rules=LADDER),
    Group(name="aisle-load", rules=LOAD),
    Group(name="aisle-state", rules=STATE),
    Group(name="aisle-log-and-model", rules=LOG_AND_MODEL),
    Group(name="aisle-jobs", rules=JOBS),
    Group(name="aisle-rollout", rules=ROLLOUT),
)
ALERTS = tuple(rule for group in GROUPS for rule in group.rules if isinstance(rule, Alert))
