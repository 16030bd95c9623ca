"""What a check is compared with, and the three comparisons."""

import dataclasses

from components.artifacts.verdict import Reason


@dataclasses.dataclass(frozen=True, kw_only=True)
class Expected:
    """What the evaluation must have been computed on."""

    digest: str
    """Task.digest of the run's examples."""
    trips: int
    """Judged trips in them."""


def equal(check: str, value: float, wanted: float, message: str) -> Reason:
    """Passes when the value is the wanted one."""
    return Reason(check=check, passed=value == wanted, value=value, threshold=wanted, message=message)


def at_most(check: str, value: float, limit: float, message: str) -> Reason:
    """Passes up to the limit, itself included."""
    return Reason(check=check, passed=value <= limit, value=value, threshold=limit, message=message)


def at_least(check: str, value: float, limit: float, message: str) -> Reason:
    """Passes from the limit on, itself included."""
    return Reason(check=check, passed=value >= limit, value=value, threshold=limit, message=message)
