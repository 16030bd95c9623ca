"""Envoy's configuration: one proxy before a stable and a canary server (envoy_bootstrap.yaml.jinja).

Routing is described in envoy_routes.yaml.jinja. Weights live in a file of their own (RDS), watched by Envoy; the
bootstrap never changes.
"""

from pathlib import Path
from typing import Any

import jinja2
import yaml

from components.rollout.local.processes import READY_PATH, Backend
from model.request_log.routing_headers import SHADOW_HEADER, USER_HEADER, VERSION_HEADER

STABLE = "stable"
CANARY = "canary"

EnvoyConfig = dict[str, Any]
"""JSON of Envoy's API."""


def routes(percent: int, revision: str, timeout_s: float = 5.0, shadow_percent: int = 0) -> EnvoyConfig:
    """The RDS file, known to Envoy as version `revision`.

    Args:
        percent: share of the shoppers that the canary serves, 0 to 100.
        shadow_percent: share of the requests that it gets a copy of, 0 to 100; only while it serves no shopper.
    """
    for name, value in (("percent", percent), ("shadow_percent", shadow_percent)):
        if not 0 <= value <= 100:
            raise ValueError(f"{name}: expected 0 to 100, got {value}")
    if percent and shadow_percent:
        raise ValueError(f"shadow_percent: expected 0 while the canary serves {percent} %, got {shadow_percent}")
    return _render(
        "envoy_routes.yaml.jinja",
        percent=percent,
        revision=revision,
        timeout_s=timeout_s,
        shadow_percent=shadow_percent,
        user_header=USER_HEADER,
        version_header=VERSION_HEADER,
        shadow_header=SHADOW_HEADER,
    )


def bootstrap(stable: Backend, canary: Backend, rds_file: Path) -> EnvoyConfig:
    """The start-up file of a proxy that reads its routes from `rds_file`."""
    return _render(
        "envoy_bootstrap.yaml.jinja",
        backends={STABLE: stable, CANARY: canary},
        rds_file=str(rds_file),
        rds_directory=str(rds_file.parent),
        ready_path=READY_PATH,
    )


def _render(template: str, **values: object) -> EnvoyConfig:
    text = (Path(__file__).parent / template).read_text(encoding="utf-8")
    config: EnvoyConfig = yaml.safe_load(jinja2.Template(text, undefined=jinja2.StrictUndefined).render(values))
    return config
