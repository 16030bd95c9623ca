"""The servers that have a record of versions and trials, beside the registry itself."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from tfx_configs.frozen import Must, Settings


def _is_address(text: str) -> bool:
    if not text:
        return True
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port != 0
            and not (parts.username or parts.password or parts.query or parts.fragment)
        )
    except ValueError:
        return False


Address = Annotated[str, Must("http(s)://HOST[:PORT][/PATH] without a user or password, or empty", _is_address)]


class TrackingSettings(Settings):
    """Where each version is registered after the gate, and each trial of `aisle tune` is logged. A server that does not
    answer fails no run (docs/tracking.md)."""

    model_registry: Address = ""
    """Kubeflow Model Registry, such as http://model-registry-service.kubeflow:8080; empty: none."""
    mlflow: Address = ""
    """MLflow's tracking server with its model registry, such as http://mlflow.mlflow:5000; empty: none."""
    name: Annotated[
        str, Must("letters, digits and . _ -", lambda text: re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", text))
    ] = "aisle"
    """Name of the registered model there, and of the experiment; NAME-tune is that of the trials."""
    token_file: str = ""
    """File with the bearer token for both, as the process that sends it sees the file; empty: they want none."""
