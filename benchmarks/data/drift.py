"""How far do clean spans of The Complete Journey lie apart? The natural distances behind tfx_configs/validation.py.

`python -m benchmarks.data.drift` writes build/bench/drift.json: the largest distance of each feature over pairs of
spans.

- `next_week`, `next_month`: all events up to a day against all up to 7 or 28 days later: retraining on a longer span.
- `next_quarter`: 91 days against the 91 days after them, the least alike that two training spans should be.
- `requests`: one week's trips seen as requests, against all trips before it: the request log against training.
"""

import tempfile

from benchmarks.harness import shop
from benchmarks.harness.result_file import write_result
from components.kfp_support.environments import call


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="aisle-drift-") as scratch:
        kwargs = {"tables": str(shop.tables()), "scratch": scratch}
        print(write_result("drift", call("validate", "benchmarks.harness.in_validate:drift", kwargs), seed=0))


if __name__ == "__main__":
    main()
