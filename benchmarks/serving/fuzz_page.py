"""The fuzz in words for docs/serving.md."""

from typing import Any

from benchmarks.harness.markdown import table

GOOD = ("200", "202", "OK")


def fuzz(result: dict[str, Any]) -> str:
    """What came by door, and memory."""
    rows = [
        [door, *(f"{sum(n for status, n in came.items() if (status in GOOD) is good):,}" for good in (True, False))]
        for door, came in result["answers"].items()
    ]
    first, *later = result["rss_mb"]
    return "\n".join(
        [
            table(["through", "answered or taken", "refused as bad input"], rows),
            "",
            f"{result['requests']:,} requests to one server with a whole model; any other answer would have ended the "
            f"run ([result](../benchmarks/results/fuzz.json)). Resident memory was {first:,.0f} MB before them, "
            f"{later[0]:,.0f} MB after the first tenth and {later[-1]:,.0f} MB at the end.",
        ]
    )
