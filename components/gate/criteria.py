"""What the gate's checks read and say."""

import dataclasses
import math
from typing import Any


class Missing(LookupError):
    """metrics.json lacks a value, or has something else (None, NaN) in its place."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Expected:
    """What the evaluation must have been computed on."""

    digest: str
    """Task.digest of the run's examples."""
    trips: int
    """Judged trips in them."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reason:
    """One check. `value` and `threshold` are None where there is no number."""

    check: str
    passed: bool
    value: float | None = None
    threshold: float | None = None
    message: str
    group: str = ""
    """Checks of one kind stand together."""


def at(value: Any, *path: str, may_be_none: bool = False) -> Any:
    """What stands there. Raises Missing when nothing does."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if value is None and not may_be_none:
        raise Missing(f"expected {'.'.join(path)} in metrics.json, got nothing")
    return value


def number(value: Any, *path: str) -> float:
    """The finite number that stands there. Raises Missing when it is none."""
    found = at(value, *path)
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        raise Missing(f"expected a number for {'.'.join(path)} in metrics.json, got {found!r}")
    return float(found)


def equal(check: str, value: float, wanted: float, message: str) -> Reason:
    """Passes when the value is the wanted one."""
    return Reason(check=check, passed=value == wanted, value=value, threshold=wanted, message=message)


def at_most(check: str, value: float, limit: float, message: str) -> Reason:
    """Passes up to the limit, itself included."""
    return Reason(check=check, passed=value <= limit, value=value, threshold=limit, message=message)


def at_least(check: str, value: float, limit: float, message: str) -> Reason:
    """Passes from the limit on, itself included."""
    return Reason(check=check, passed=value >= limit, value=value, threshold=limit, message=message)
