"""Do the alerts on the system fire, in time, and only then? Faults in real servers and stores, a real Prometheus.

`python -m benchmarks.monitoring.system` writes build/bench/monitoring/system.json, which `python -m
benchmarks.monitoring` takes in. Needs prometheus and prometheus-pushgateway on the PATH (Debian has both). The faults
are those of tests/pipelines/manifests/observability, in seconds of the rules' own time.
"""

from benchmarks.harness.result_file import RESULTS, measured_by
from model.files import write_json

if __name__ == "__main__":
    path = RESULTS / "monitoring" / "system.json"
    write_json(path, measured_by("tests/pipelines/manifests/observability/test_faults.py", "alerts"))
    print(path)
