"""What it costs to take the request log to an object store and to read it there, in CPU, memory and bytes.

`python -m benchmarks shipping` writes build/bench/shipping.json: CPU and memory of the shipper process beside a
real SeaweedFS, bytes of a row as it is stored, and the monitor's reading of all of it, for files of several sizes. It
is measured by tests/model/serving/request_log/test_shipping_cost.py.
"""

from typing import Annotated, Any

import typer

from benchmarks.harness.result_file import measured_by
from model.serving.request_log.spool import MEGABYTE

SEED = 0
TEST = "tests/model/serving/request_log/test_shipping_cost.py"
SIZES = (5_000, 500, 50)
"""Rows of a file: what 17, 1.7 and 0.17 requests a second leave in five minutes."""
SPOOL_MB = 768
"""As manifests/components/request-log."""


def main(rows: Annotated[int, typer.Option(help="at most, of each size")] = 100_000) -> dict[str, Any]:
    files = measured_by(TEST, "shipping", "--shipped-rows", ",".join(map(str, (rows, *SIZES))))["files"]
    spool_rows = SPOOL_MB * MEGABYTE / files[0]["bytes_a_row"]
    return {"files": files, "kept_mb": SPOOL_MB, "kept_million_rows": spool_rows / 1e6}
