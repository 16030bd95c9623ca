"""The serving benchmark in words for docs/serving.md."""

from typing import Any

from benchmarks.harness.markdown import table


def serving(result: dict[str, Any]) -> str:
    """Both servers, stages of a request, larger catalogs, the other runtime."""
    found = {"Aisle": result["aisle"]} | result["peers"]
    head = [
        "server",
        f"most requests a second with p99 under {result['limit_ms']:g} ms",
        "at half of it: p50",
        "p90",
        "p99",
        "CPU a request",
        "memory",
    ]
    others = max(one["other_cores"] for one in found.values())
    shared = f" Other work took up to {others:.1f} of the cores meanwhile." if others >= 0.1 else ""
    return "\n".join(
        [
            f"Measured on {result['measured'][:10]} "
            "([benchmarks/serving/__main__.py](../benchmarks/serving/__main__.py), "
            f"[result](../benchmarks/results/serving.json)): one server at a time on one core of "
            f"{result['hardware']['cores']}, an open-loop client (Poisson arrivals) on another, "
            f"{result['catalog_items']:,} items, real histories ({result['mean_history']:,.0f} events a shopper), no "
            f"deadline, so that every answer is the model's.{shared}",
            "",
            table(head, [_row(name, one) for name, one in found.items()]),
            "",
            "Of Aisle's time for one request at that half, the share of a batch counted once: "
            + ", ".join(f"{stage} {ms:.2f} ms" for stage, ms in result["aisle"]["stages_ms"].items())
            + ". The rest is HTTP and KServe's protocol.",
            "",
            table(
                ["items", "index", "p50 of a search", "p99", "finds of the true nearest 200", "built in", "memory"],
                [_catalog_row(one) for one in result["catalog"]],
            ),
            "",
            "Larger catalogs are real items' vectors with noise; one search at a time, for 1,000 items, on one core.",
            "",
            table(
                ["requests ranked at once", "TensorFlow", "ONNX Runtime"],
                [
                    [str(one["requests_at_once"]), f"{one['tensorflow_ms']:.2f} ms", f"{one['onnxruntime_ms']:.2f} ms"]
                    for one in result["runtime"]["network"]
                ],
            ),
            "",
            "CPU of the ranking network alone, a request. The whole graph in ONNX Runtime: "
            f"`{result['runtime']['whole_graph']}`.",
        ]
    )


def soak(result: dict[str, Any]) -> str:
    """Latency and memory over half an hour."""
    windows, now = result["windows"], 0.0
    rows = []
    for one in windows:
        now += one["minutes"]
        full, times = f"{100 * one['full_share']:.2f} %", [_ms(one["p50_ms"]), _ms(one["p99_ms"])]
        rows.append([f"{now:.0f}", f"{one['requests']:,}", str(one["not_200"]), full, *times, f"{one['rss_mb']:,} MB"])
    head = ["until minute", "requests", "not answered with 200", "fully ranked", "p50", "p99", "memory"]
    return "\n".join(
        [
            f"{result['minutes']:g} minutes at {result['rps']:.0f} requests a second on one core, with the deadline of "
            f"production and a request log ([benchmarks/serving/soak.py](../benchmarks/serving/soak.py), "
            f"[result](../benchmarks/results/soak.json), {result['measured'][:10]}): p99 "
            f"{result['p99_drift_pct']:+.1f} % from the first window to the last, memory "
            f"{result['rss_mb_per_hour']:+.1f} MB an hour.",
            "",
            table(head, rows),
        ]
    )


def _row(name: str, one: dict[str, Any]) -> list[str]:
    most = f"{one['max_rps_p99_25ms']:.0f}" if one["max_rps_p99_25ms"] else f"under {one['rates'][0]['rps']:.0f}"
    times = [_ms(one[f"p{percent}_ms"]) for percent in (50, 90, 99)]
    return [name, most, *times, f"{one['cpu_ms_per_request']:.1f} ms", f"{one['rss_mb']:,} MB"]


def _catalog_row(one: dict[str, Any]) -> list[str]:
    kind = "exact" if one["kind"] == "exact" else f"lists, {one['probes']} of {one['lists']:,} looked through"
    recall, built = f"{100 * one['index_recall@200']:.1f} %", f"{one['build_s']:.0f} s"
    return [f"{one['items']:,}", kind, _ms(one["p50_ms"]), _ms(one["p99_ms"]), recall, built, f"{one['rss_mb']:,} MB"]


def _ms(found: float | None) -> str:
    return "–" if found is None else f"{found:.1f} ms"
