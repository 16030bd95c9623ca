"""A real Prometheus on loopback in which time passes faster: every window and every wait of our rules is divided."""

import json
import re
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.rollout.local.processes import free_port, get, running, wait_until
from model.system.programs import find_program
from tests.pipelines.manifests.observability.monitoring_files import JOB, Group, rules_file
from tests.pipelines.manifests.observability.past import write_past

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
STEP_MS = 500
"""Between two scrapes, and two evaluations."""


@dataclass(frozen=True)
class Prometheus:
    port: int

    def firing(self) -> list[dict[str, str]]:
        """Labels of every alert that fires now."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/alerts", timeout=10) as response:
            alerts = json.load(response)["data"]["alerts"]
        return [alert["labels"] for alert in alerts if alert["state"] == "firing"]


@contextmanager
def prometheus(
    workdir: Path,
    targets: Sequence[tuple[str, int]],
    pushgateway: int | None,
    groups: Sequence[Group],
    factor: float,
    past: Sequence[str],
) -> Iterator[Prometheus]:
    """Under rules that are `factor` times faster, a Prometheus of its own directory.

    Args:
        targets: (namespace, port) of model servers that it scrapes.
        pushgateway: its port; None: none is scraped.
        past: namespaces with a week behind them in which all was well.
    """
    workdir.mkdir()
    (workdir / "rules.yaml").write_text(yaml.safe_dump(faster(rules_file(groups), factor)))
    step = f"{STEP_MS}ms"
    servers = [{"targets": [f"127.0.0.1:{port}"], "labels": {"namespace": name}} for name, port in targets]
    config = {
        "global": {"scrape_interval": step, "scrape_timeout": step, "evaluation_interval": step},
        "rule_files": ["rules.yaml"],
        "scrape_configs": [{"job_name": JOB, "static_configs": servers}, *_pushed(pushgateway)],
    }
    (workdir / "prometheus.yaml").write_text(yaml.safe_dump(config))
    series = write_past(workdir, past, factor, time.time())
    port, program = free_port(), find_program("prometheus")
    assert program is not None
    command = [program, f"--config.file={workdir / 'prometheus.yaml'}", f"--storage.tsdb.path={series}"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]
    with running("prometheus", command, workdir / "prometheus.log") as process:
        wait_until(lambda: get(port, "/-/ready")[0] == 200, process, "ready", 30)
        yield Prometheus(port)


def _pushed(port: int | None) -> list[dict[str, Any]]:
    """How a Pushgateway is scraped."""
    if port is None:
        return []
    return [{"job_name": "pushed", "honor_labels": True, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}]


def faster(rules: dict[str, Any], factor: float) -> dict[str, Any]:
    """The same rules with every range, offset and `for` divided; ages in seconds stay as they are."""

    def divided(match: re.Match[str]) -> str:
        return f"{match[1]}{SECONDS[match[3]] * int(match[2]) * 1000 / factor:.0f}ms"

    def scaled(rule: dict[str, Any]) -> dict[str, Any]:
        changed = rule | {"expr": re.sub(r"(\[|offset )(\d+)([smhdw])", divided, rule["expr"])}
        return changed | ({"for": re.sub(r"()(\d+)([smhdw])", divided, rule["for"])} if "for" in rule else {})

    groups = [group | {"rules": [scaled(rule) for rule in group["rules"]]} for group in rules["groups"]]
    return {"groups": groups}
