"""The port of a rollout, wherever its traffic is: its status, and the commands of an operator.

Two adapters: a run on this machine (pipelines/local/rollout_operator.py: registry, record, Envoy's weights) and
KServe's service in both of its modes (kserve/cluster_rollout.py). They share their tests. How a step gets its evidence
is not in the port: here it plays traffic of its own, there it reads the metrics of Prometheus.
"""

from dataclasses import dataclass, field
from typing import Protocol

from components.rollout.decision.states import Command, State
from model.registry.roles import Roles


@dataclass(frozen=True, kw_only=True)
class RolloutStatus:
    """Which versions serve, and where the rollout is."""

    roles: Roles[str]
    percent: int
    """The canary's share; 0 without one."""
    state: State
    note: str = ""
    """What was done last."""
    details: tuple[str, ...] = field(default=(), compare=False)
    """Lines on what carries the traffic, of a cluster."""

    def line(self) -> str:
        """For the terminal."""
        versions = [f"{role} {version}" for role, version in self.roles.by_name().items()]
        share = f" at {self.percent} %" if self.roles.canary is not None else ""
        return "  ".join([*versions, self.state.words + share, self.note]).rstrip()

    def text(self) -> str:
        """The line, and those on what carries the traffic."""
        return "\n".join([self.line(), *self.details])


class TrafficAdapter(Protocol):
    """Carries out what is decided."""

    def status(self) -> RolloutStatus:
        """Raises InputError when there is no rollout."""

    def command(self, order: Command, operator: str) -> RolloutStatus:
        """Hold, resume, promote or roll back, at once; after a promotion, rollback brings back what was before.

        Raises:
            InputError: the state does not allow it; nothing is done.
            CheckFailed: the rollout changed in between.
        """
