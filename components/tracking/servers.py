"""The servers that the settings name. One that does not take a record fails nothing: a line reports it."""

from collections.abc import Callable, Sequence
from typing import Protocol

import httpx

from components.kfp_support.progress import progress
from components.tracking.kubeflow import KubeflowModelRegistry
from components.tracking.mlflow import Mlflow
from components.tracking.rest_api import RestApi
from components.tracking.tracked import TrackedTrial, TrackedVersion
from tfx_configs.tracking import TrackingSettings

REGISTERED = "registered"


class Server(Protocol):
    """One of them. Its methods raise what RestApi raises; LookupError or TypeError on an answer of another form."""

    TITLE: str

    def register(self, version: TrackedVersion) -> None: ...

    def log(self, trial: TrackedTrial) -> None: ...


class Servers:
    """All of them; one that has failed is not asked again, so that it delays a study once."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self._servers = list(servers)

    @classmethod
    def of(cls, settings: TrackingSettings) -> "Servers":
        """Those with an address."""
        servers: list[Server] = []
        if settings.model_registry:
            servers.append(KubeflowModelRegistry(RestApi(settings.model_registry, settings.token_file), settings.name))
        if settings.mlflow:
            servers.append(Mlflow(RestApi(settings.mlflow, settings.token_file), settings.name))
        return cls(servers)

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._servers)

    def register(self, version: TrackedVersion) -> dict[str, str]:
        """{server: REGISTERED, or why it did not take the version}."""
        return self._each(version.version, lambda server: server.register(version))

    def log(self, trial: TrackedTrial) -> None:
        """Sends the trial to each server."""
        self._each(trial.name, lambda server: server.log(trial))

    def _each(self, record: str, send: Callable[[Server], None]) -> dict[str, str]:
        answers = {}
        for server in tuple(self._servers):
            try:
                send(server)
                answers[server.TITLE] = REGISTERED
            except (OSError, ValueError, LookupError, TypeError, httpx.HTTPError, httpx.InvalidURL) as error:
                self._servers.remove(server)
                answers[server.TITLE] = reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
                progress(f"WARNING: {server.TITLE} did not take {record} ({reason}); the same command sends it again")
        return answers
