"""The board for whoever is called at night."""

from pipelines.manifests.observability.objectives import AVAILABILITY, LATENCY
from pipelines.manifests.observability.panels import Board, Panel, Query, Row
from pipelines.manifests.observability.promql import ASKED, HERE, OK, quantile, quantiles, rate, share

SERVING = Board(
    uid="aisle-serving",
    title="Aisle: serving",
    about="Rate, errors and duration; what answers were made from; how much room is left.",
    rows=(
        Row(
            title="Requests",
            panels=(
                Panel(
                    title="Error budget of 30 days left: availability",
                    about=f"{AVAILABILITY.target * 100:g} % of requests are answered.",
                    queries=(
                        Query(
                            expr=f'1 - (sum(increase(aisle_requests_total{{{HERE},outcome=~"error|shed"}}[30d]))'
                            f" / sum(increase({ASKED}[30d]))) / {1 - AVAILABILITY.target:.4g}"
                        ),
                    ),
                    unit="percentunit",
                    kind="stat",
                    width=6,
                ),
                Panel(
                    title="Error budget of 30 days left: latency",
                    about=f"{LATENCY.target * 100:g} % of answers take at most 50 ms.",
                    queries=(
                        Query(
                            expr="1 - (1 - "
                            f'sum(increase(aisle_request_seconds_bucket{{{HERE},le="0.05"}}[30d]))'
                            f" / sum(increase(aisle_request_seconds_count{{{HERE}}}[30d]))) / {1 - LATENCY.target:.4g}"
                        ),
                    ),
                    unit="percentunit",
                    kind="stat",
                    width=6,
                ),
                Panel(
                    title="Share of requests failed or turned away, last hour",
                    queries=(Query(expr=f"{AVAILABILITY.record}1h{{{HERE}}}"),),
                    unit="percentunit",
                    kind="stat",
                    width=6,
                    limit=14.4 * (1 - AVAILABILITY.target),
                ),
                Panel(
                    title="Share of answers over 50 ms, last hour",
                    queries=(Query(expr=f"{LATENCY.record}1h{{{HERE}}}"),),
                    unit="percentunit",
                    kind="stat",
                    width=6,
                    limit=14.4 * (1 - LATENCY.target),
                ),
                Panel(
                    title="Requests by outcome",
                    queries=(Query(expr=rate(f"aisle_requests_total{{{HERE}}}", "outcome"), legend="{{outcome}}"),),
                    unit="reqps",
                    stack=True,
                ),
                Panel(title="Time to answer", queries=quantiles("aisle_request_seconds"), unit="s", limit=0.05),
                Panel(
                    title="Share of requests failed or turned away",
                    queries=(Query(expr=f"{AVAILABILITY.record}5m{{{HERE}}}", legend="5 minutes"),),
                    unit="percentunit",
                    limit=14.4 * (1 - AVAILABILITY.target),
                ),
            ),
        ),
        Row(
            title="How answers are made",
            panels=(
                Panel(
                    title="Answers by rung",
                    about="full: the model; the others are fallbacks (docs/serving.md).",
                    queries=(Query(expr=rate(OK, "rung"), legend="{{rung}}"),),
                    unit="reqps",
                    stack=True,
                ),
                Panel(
                    title="Stages, 99th percentile",
                    queries=(Query(expr=quantile(0.99, "aisle_stage_seconds", "stage"), legend="{{stage}}"),),
                    unit="s",
                    limit=0.025,
                ),
                Panel(
                    title="Stages, median",
                    queries=(Query(expr=quantile(0.5, "aisle_stage_seconds", "stage"), legend="{{stage}}"),),
                    unit="s",
                ),
                Panel(
                    title="Items shown by source",
                    queries=(Query(expr=rate(f"aisle_items_total{{{HERE}}}", "source"), legend="{{source}}"),),
                    unit="short",
                    stack=True,
                ),
                Panel(
                    title="Rankings that failed or came too late",
                    queries=(
                        Query(expr=rate(f"aisle_model_failures_total{{{HERE}}}"), legend="failed"),
                        Query(expr=rate(f"aisle_late_total{{{HERE}}}"), legend="late"),
                    ),
                    unit="reqps",
                ),
                Panel(
                    title="Time in the queue for a thread",
                    queries=quantiles("aisle_queue_seconds"),
                    unit="s",
                ),
                Panel(
                    title="Requests ranked at once",
                    queries=(
                        Query(
                            expr=f"{rate(f'aisle_batch_size_sum{{{HERE}}}')}"
                            f" / {rate(f'aisle_batch_size_count{{{HERE}}}')}",
                            legend="mean",
                        ),
                    ),
                    unit="short",
                ),
            ),
        ),
        Row(
            title="Shoppers' histories",
            panels=(
                Panel(
                    title="Histories looked up, by result",
                    queries=(Query(expr=rate(f"aisle_state_total{{{HERE}}}", "result"), legend="{{result}}"),),
                    unit="reqps",
                    stack=True,
                ),
                Panel(title="Age of the last purchase known", queries=quantiles("aisle_state_age_seconds"), unit="s"),
                Panel(
                    title="Purchases that come in",
                    queries=(Query(expr=rate(f"aisle_events_total{{{HERE}}}", "result"), legend="{{result}}"),),
                    unit="reqps",
                    stack=True,
                ),
                Panel(
                    title="How late purchases come in",
                    queries=quantiles("aisle_event_lag_seconds"),
                    unit="s",
                    limit=900,
                ),
            ),
        ),
        Row(
            title="What answers knew",
            panels=(
                Panel(
                    title="Candidates of one request by source, mean",
                    about="Of requests that are logged in detail.",
                    queries=(
                        Query(
                            expr=share(
                                f"aisle_candidates_sum{{{HERE}}}", f"aisle_candidates_count{{{HERE}}}", "source"
                            ),
                            legend="{{source}}",
                        ),
                    ),
                    unit="short",
                    stack=True,
                ),
                Panel(
                    title="Answers made without",
                    queries=(
                        Query(
                            expr=f"{rate(f'aisle_missing_total{{{HERE}}}', 'feature')}"
                            f" / ignoring (feature) group_left () {rate(OK)}",
                            legend="{{feature}}",
                        ),
                    ),
                    unit="percentunit",
                ),
                Panel(
                    title="What the model does not know",
                    about="Share of the values looked up, of requests that are logged in detail.",
                    queries=(
                        Query(
                            expr=share(f"aisle_unknown_total{{{HERE}}}", f"aisle_checked_total{{{HERE}}}", "feature"),
                            legend="{{feature}}",
                        ),
                    ),
                    unit="percentunit",
                ),
            ),
        ),
        Row(
            title="Room",
            panels=(
                Panel(
                    title="Requests in flight",
                    queries=(
                        Query(expr=f"aisle_in_flight{{{HERE}}}", legend="{{pod}}"),
                        Query(expr=f"min(aisle_in_flight_limit{{{HERE}}})", legend="limit"),
                    ),
                    unit="short",
                ),
                Panel(
                    title="CPU",
                    queries=(
                        Query(
                            expr=rate(f'process_cpu_seconds_total{{{HERE},job="aisle/aisle"}}', "pod"),
                            legend="{{pod}}",
                        ),
                    ),
                    unit="short",
                ),
                Panel(
                    title="Memory",
                    about="Bytes.",
                    queries=(
                        Query(expr=f'process_resident_memory_bytes{{{HERE},job="aisle/aisle"}}', legend="{{pod}}"),
                    ),
                    unit="short",
                ),
                Panel(
                    title="Lines of the request log given up",
                    queries=(Query(expr=rate(f"aisle_request_log_dropped_total{{{HERE}}}"), legend="lines"),),
                    unit="short",
                ),
                Panel(
                    title="Request log not taken away yet, oldest file",
                    queries=(
                        Query(expr=f"max by (pod) (aisle_request_log_waiting_seconds{{{HERE}}})", legend="{{pod}}"),
                    ),
                    unit="s",
                    limit=900,
                ),
                Panel(
                    title="Request log not taken away yet, files",
                    queries=(
                        Query(expr=f"max by (pod) (aisle_request_log_waiting_files{{{HERE}}})", legend="{{pod}}"),
                    ),
                    unit="short",
                ),
            ),
        ),
    ),
)
