"""What a rollout looks like from outside, wherever its traffic is: the hands, and the place it stands at.

Two adapters: a run on this machine (pipelines/local/rollout_operator.py: registry, status file, Envoy's weights) and
KServe's service in both of its modes (cluster.py). They share their tests. How a step gets its evidence is not in the
port: here it plays traffic of its own, there it reads what Prometheus saw.
"""

from dataclasses import dataclass
from typing import Protocol

from components.rollout.decision.state_machine import Hand


@dataclass(frozen=True, kw_only=True)
class Place:
    """Who serves. `percent`: the canary's share; 0 without one. `state`: as the state machine's, or aborted."""

    stable: str | None
    canary: str | None
    previous: str | None
    """What was stable before the last promotion, or the version that a rollback after it took away."""
    percent: int
    state: str

    def line(self) -> str:
        """For the terminal."""
        roles = {"stable": self.stable, "canary": self.canary, "previous": self.previous}
        told = [f"{role} {version}" for role, version in roles.items() if version is not None]
        share = f" at {self.percent} %" if self.canary is not None else ""
        return "  ".join([*told, self.state.replace("_", " ") + share])


class TrafficAdapter(Protocol):
    """Carries out what is decided."""

    def look(self) -> Place:
        """Raises InputError when there is no rollout to look at."""

    def act(self, hand: Hand, who: str) -> Place:
        """Hold, resume, promote or roll back, at once; after a promotion, rollback brings back what was before.

        Raises InputError where the state does not allow it (then nothing is done), CheckFailed when somebody else came
        in between.
        """
