"""Many requests that no client should send, to every endpoint of one server: no 5xx, no crash, memory flat.

`python -m benchmarks.serving.fuzz` writes build/bench/fuzz.json: answers by endpoint and status, and what the server
holds in memory before and after each tenth of the requests. The requests are those of tests/model/serving/test_fuzz.py.
"""

import argparse
from pathlib import Path

from benchmarks.harness.measurements import measured_by
from benchmarks.harness.result_file import write_result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=10_000, help="over all endpoints (%(default)s)")
    parser.add_argument(
        "--model", type=Path, metavar="DIR", help="model directory; default: a model without TensorFlow"
    )
    arguments = parser.parse_args()
    options = ["--fuzz-requests", str(arguments.requests)]
    options += ["--fuzz-model", str(arguments.model)] if arguments.model else []
    figures = measured_by("tests/model/serving/test_fuzz.py", "fuzz", *options)
    print(write_result("fuzz", {"model": arguments.model.name if arguments.model else "fake"} | figures, seed=0))


if __name__ == "__main__":
    main()
