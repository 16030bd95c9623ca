"""`python -m benchmarks NAME`: runs one benchmark; the result is build/bench/NAME.json."""

import runpy
import sys

MODULES = {
    "ablation": "ablation",
    "cadence": "cadence",
    "calibration": "robustness.calibration",
    "data": "data",
    "demo": "demo",
    "experiment": "rollout.experiment",
    "fuzz": "serving.fuzz",
    "labels": "robustness.labels",
    "latency": "serving.latency",
    "monitoring": "monitoring",
    "noise": "robustness",
    "offpolicy": "offpolicy",
    "quality": "quality",
    "refresh": "cadence.refresh",
    "rerank": "rerank",
    "rollout": "rollout",
    "serving": "serving",
    "shipping": "serving.shipping",
    "soak": "serving.soak",
}
"""{name: module under benchmarks/}."""

if __name__ == "__main__":
    if sys.argv[1:2] == [] or sys.argv[1] not in MODULES:
        print(f"aisle: expected one benchmark of {', '.join(MODULES)}, got {sys.argv[1:]}", file=sys.stderr)
        sys.exit(2)
    sys.argv.pop(0)
    runpy.run_module(f"benchmarks.{MODULES[sys.argv[0]]}", run_name="__main__", alter_sys=True)
