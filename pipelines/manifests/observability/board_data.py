"""The board for whoever answers for data and model."""

from components.kfp_support.pushgateway import CHECK_FAILED, CHECK_VALUE, MONITOR_RUN, PIPELINE_SUCCESS
from pipelines.manifests.observability.alerts import MODEL_OLD_S
from pipelines.manifests.observability.panels import Board, Panel, Query, Row
from pipelines.manifests.observability.promql import HERE

DATA_AND_MODEL = Board(
    uid="aisle-data-and-model",
    title="Aisle: data and model",
    about="What `aisle monitor` measured, and how old things are.",
    since="now-30d",
    choices=(("check", f"label_values({CHECK_VALUE}{{{HERE}}}, check)"),),
    rows=(
        Row(
            title="Now",
            panels=(
                Panel(
                    title="Checks that fail",
                    queries=(Query(expr=f"sum({CHECK_FAILED}{{{HERE}}}) or vector(0)"),),
                    unit="short",
                    kind="stat",
                    width=6,
                    limit=1,
                ),
                Panel(
                    title="Since the monitor last ran",
                    queries=(Query(expr=f"time() - max({MONITOR_RUN}{{{HERE}}})"),),
                    unit="s",
                    kind="stat",
                    width=6,
                    limit=2 * 86400,
                ),
                Panel(
                    title="Since a pipeline last succeeded",
                    queries=(
                        Query(expr=f"time() - max by (pipeline) ({PIPELINE_SUCCESS}{{{HERE}}})", legend="{{pipeline}}"),
                    ),
                    unit="s",
                    kind="stat",
                    width=6,
                    limit=8 * 86400,
                ),
                Panel(
                    title="What the newest model does not know",
                    about="Time since the end of its training data.",
                    queries=(Query(expr=f"time() - max(aisle_model_cut_timestamp_seconds{{{HERE}}})"),),
                    unit="s",
                    kind="stat",
                    width=6,
                    limit=MODEL_OLD_S,
                ),
            ),
        ),
        Row(
            title="Checks",
            panels=(
                Panel(
                    title="Fails now",
                    queries=(Query(expr=f"max by (check, severity) ({CHECK_FAILED}{{{HERE}}}) == 1"),),
                    unit="none",
                    kind="table",
                    width=8,
                ),
                Panel(
                    title="Failed checks over time",
                    queries=(Query(expr=f"max by (check) ({CHECK_FAILED}{{{HERE}}})", legend="{{check}}"),),
                    unit="short",
                    width=16,
                    stack=True,
                ),
                Panel(
                    title="Measured: $check",
                    queries=(Query(expr=f'{CHECK_VALUE}{{{HERE},check=~"$check"}}', legend="{{check}}"),),
                    unit="short",
                    width=24,
                ),
            ),
        ),
    ),
)
