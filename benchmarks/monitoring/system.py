"""Do the alerts on the system fire, in time, and only then? Faults in real servers and stores, a real Prometheus.

`python -m benchmarks.monitoring.system` writes build/bench/monitoring/system.json, which `python -m
benchmarks.monitoring` takes in. Needs prometheus and prometheus-pushgateway on the PATH (Debian has both).
"""

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.harness.result_file import RESULTS
from model.errors import InputError
from model.files import write_json
from model.system.programs import find_program
from tests.pipelines.manifests.observability.injection import FACTOR, LONG_FACTOR, inject_all

NEEDED = ("prometheus", "promtool", "prometheus-pushgateway")


def main() -> None:
    path = RESULTS / "monitoring" / "system.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, system())
    print(path)


def system() -> dict[str, Any]:
    """{alerts: [{name, fault, fired_after_s, limit_s}], system_unexplained, system_factor, system_long_factor,
    system_machine_busy}.

    Seconds are in the rules' own time, `system_factor` times slower than the wall's, `system_long_factor` times where
    an alert waits for hours; `system_unexplained`: alerts that no fault is the cause of, as [shop, alert]. Raises
    InputError without the programs.
    """
    if missing := [name for name in NEEDED if find_program(name) is None]:
        raise InputError(f"expected {' and '.join(missing)} on the PATH, not found; install Debian's packages")
    with tempfile.TemporaryDirectory(prefix="aisle-faults-") as workdir:
        outcome = inject_all(Path(workdir))
    alerts = [dataclasses.asdict(told) for told in outcome.told]
    for alert in alerts:
        alert["fired_after_s"] = None if alert["fired_after_s"] is None else round(alert["fired_after_s"])
    return {
        "alerts": alerts,
        "system_unexplained": [list(key) for key in outcome.unexplained],
        "system_factor": FACTOR,
        "system_long_factor": LONG_FACTOR,
        "system_machine_busy": outcome.busy,
    }


if __name__ == "__main__":
    main()
