"""The routing example, read by Alertmanager's own tool: where each alert goes, and that it names no alert wrongly."""

import re
import subprocess

import pytest
import yaml

from model.system.programs import find_program
from pipelines.manifests.render import ROOT
from tests.pipelines.manifests.observability.monitoring_files import ALERTS

CONFIG = ROOT / "alertmanager" / "alertmanager.yaml"


def _amtool(*arguments: str) -> str:
    program = find_program("amtool")
    assert program is not None
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.needs("amtool")
def test_alertmanager_takes_the_routing_example() -> None:
    assert "2 receivers" in _amtool("check-config", str(CONFIG))


@pytest.mark.needs("amtool")
@pytest.mark.parametrize(("severity", "receiver"), [("page", "pager"), ("ticket", "tickets")])
def test_every_alert_goes_where_its_severity_belongs(severity: str, receiver: str) -> None:
    for name in {alert.name for alert in ALERTS if alert.severity == severity}:
        labels = (f"alertname={name}", f"severity={severity}", "namespace=shop")
        assert _amtool("config", "routes", "test", "--config.file", str(CONFIG), *labels) == receiver


def test_alerts_that_keep_others_silent_exist() -> None:
    rules = yaml.safe_load(CONFIG.read_text())["inhibit_rules"]
    named = re.findall(r"Aisle[A-Z]\w+", str(rules))
    assert named and set(named) <= {alert.name for alert in ALERTS}
