"""The board for whoever watches a canary."""

from components.kfp_support.pushgateway import ROLLOUT_PERCENT, ROLLOUT_STATE
from pipelines.manifests.observability.panels import Board, Panel, Query, Row
from pipelines.manifests.observability.promql import ASKED, HERE, ITEMS, OK, quantile, rate, share

ROLLOUT = Board(
    uid="aisle-rollout",
    title="Aisle: rollout",
    about="The versions side by side, with the share declared and the share observed.",
    rows=(
        Row(
            title="Where it stands",
            panels=(
                Panel(
                    title="State",
                    queries=(Query(expr=f"{ROLLOUT_STATE}{{{HERE}}} == 1", legend="{{state}}"),),
                    unit="none",
                    kind="stat",
                    width=12,
                ),
                Panel(
                    title="Canary's declared share",
                    queries=(Query(expr=f"{ROLLOUT_PERCENT}{{{HERE}}}", legend="{{version}}"),),
                    unit="percent",
                    kind="stat",
                    width=12,
                ),
            ),
        ),
        Row(
            title="Version by version",
            panels=(
                Panel(
                    title="Share of requests, observed and declared",
                    queries=(
                        Query(
                            expr=f"100 * {rate(ASKED, 'version')} / ignoring (version) group_left () {rate(ASKED)}",
                            legend="{{version}} observed",
                        ),
                        Query(expr=f"{ROLLOUT_PERCENT}{{{HERE}}}", legend="{{version}} declared"),
                    ),
                    unit="percent",
                    width=12,
                ),
                Panel(
                    title="Requests failed or turned away",
                    queries=(
                        Query(
                            expr=share(f'aisle_requests_total{{{HERE},outcome=~"error|shed"}}', ASKED, "version"),
                            legend="{{version}}",
                        ),
                    ),
                    unit="percentunit",
                    width=12,
                ),
                Panel(
                    title="Time to answer, 99th percentile",
                    queries=(Query(expr=quantile(0.99, "aisle_request_seconds", "version"), legend="{{version}}"),),
                    unit="s",
                    width=12,
                    limit=0.05,
                ),
                Panel(
                    title="Answers that are fallbacks",
                    queries=(
                        Query(
                            expr=share(f'aisle_requests_total{{{HERE},outcome="ok",rung!="full"}}', OK, "version"),
                            legend="{{version}}",
                        ),
                    ),
                    unit="percentunit",
                    width=12,
                    limit=0.05,
                ),
                Panel(
                    title="Items shown by source",
                    queries=(
                        Query(
                            expr=f"{rate(ITEMS, 'version, source')}"
                            f" / ignoring (source) group_left () {rate(ITEMS, 'version')}",
                            legend="{{version}} {{source}}",
                        ),
                    ),
                    unit="percentunit",
                    width=12,
                ),
                Panel(
                    title="Rankings that failed",
                    queries=(
                        Query(expr=rate(f"aisle_model_failures_total{{{HERE}}}", "version"), legend="{{version}}"),
                    ),
                    unit="reqps",
                    width=12,
                ),
            ),
        ),
    ),
)
