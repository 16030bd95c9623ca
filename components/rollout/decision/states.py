"""The states of a rollout and the commands of an operator."""

from enum import StrEnum


class State(StrEnum):
    """Where a rollout is."""

    RUNNING = "running"
    HELD = "held"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    ABORTED = "aborted"
    """Ended by an error on this machine; the next step resumes it, and the state machine takes it for a running one."""

    @property
    def active(self) -> bool:
        """Whether there are decisions left to take."""
        return self not in (State.PROMOTED, State.ROLLED_BACK)

    @property
    def words(self) -> str:
        """For people."""
        return self.replace("_", " ")


ON_A_CLUSTER = tuple(state for state in State if state != State.ABORTED)
"""Those that a rollout on a cluster can be in."""


class Command(StrEnum):
    """What an operator may order."""

    HOLD = "hold"
    RESUME = "resume"
    PROMOTE = "promote"
    ROLLBACK = "rollback"
