"""Pieces of PromQL that the boards share; `$namespace` is the board's variable."""

from pipelines.manifests.observability.panels import Query

HERE = 'namespace="$namespace"'
RANGE = "[$__rate_interval]"
ITEMS = f"aisle_items_total{{{HERE}}}"
OK = f'aisle_requests_total{{{HERE},outcome="ok"}}'
ASKED = f'aisle_requests_total{{{HERE},outcome!="bad_request"}}'


def rate(series: str, by: str = "") -> str:
    """A counter's rate each second, summed over pods; `by`: labels to keep, comma-separated."""
    return f"sum{f' by ({by})' if by else ''} (rate({series}{RANGE}))"


def share(part: str, whole: str, by: str = "") -> str:
    """The rate of one counter over that of another."""
    return f"{rate(part, by)} / {rate(whole, by)}"


def quantile(q: float, histogram: str, by: str = "") -> str:
    """The q-quantile of a histogram over all pods, in the histogram's unit."""
    labels = f"{by}, le" if by else "le"
    return f"histogram_quantile({q:g}, sum by ({labels}) (rate({histogram}_bucket{{{HERE}}}{RANGE})))"


def quantiles(histogram: str) -> tuple[Query, ...]:
    """Median, 90th and 99th percentile."""
    return tuple(Query(expr=quantile(q, histogram), legend=f"p{100 * q:g}") for q in (0.5, 0.9, 0.99))
