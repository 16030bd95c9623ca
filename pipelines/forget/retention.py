"""What of a shopper is stored where, and for how long: the one table. docs/forgetting.md has it as well.

Paths are those of a run's directory, or of a registry's: on a cluster that is the registry's volume.
"""

import enum
import time
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from tfx_configs.units import DAY_S


class Rule(enum.StrEnum):
    """What happens to the data of a shopper who is to be forgotten."""

    ERASED = "erased at once"
    EXPIRES = "deleted whole, after some days"
    NONE = "holds nothing of a shopper"


@dataclass(frozen=True, kw_only=True)
class Place:
    """One kind of artifact."""

    name: str
    patterns: tuple[str, ...]
    """Of paths in a run's directory; `*` matches several folders too."""
    holds: str
    rule: Rule
    days: int | None = None
    """From when it was written, where it expires."""

    def has(self, path: str) -> bool:
        """Whether the file at this path, relative to the run, is of this kind."""
        return any(fnmatchcase(path, pattern) for pattern in self.patterns)

    def may_hold(self, file: Path) -> bool:
        """Whether this file may have data of a shopper who asked to be forgotten: it expires, and has not yet."""
        return self.days is not None and time.time() - file.stat().st_mtime <= self.days * DAY_S


DATA_DAYS = 30
PLACES = (
    Place(
        name="event store",
        patterns=("*/store/*", "store/*"),
        holds="a shopper's events and attributes, under the id",
        rule=Rule.ERASED,
    ),
    Place(
        name="request log",
        patterns=("*/requests/*", "requests/*"),
        holds="each answer, with the id; of some the history",
        rule=Rule.ERASED,
    ),
    Place(
        name="monitoring reference",
        patterns=("monitoring/reference/*", "monitoring/references/*", "registry/monitoring/references/*"),
        holds="visits and purchases of the weeks before the cut, and when each id was first seen",
        rule=Rule.ERASED,
    ),
    Place(
        name="validation baseline",
        patterns=("registry/validation/*", "registry.next/validation/*", "validation/*", "pipeline/*/validate/*"),
        holds="ids with their number of purchases, attributes under a hash of the id",
        rule=Rule.ERASED,
    ),
    Place(
        name="canonical tables",
        patterns=("pipeline/*/ingest/*",),
        holds="all events and attributes",
        rule=Rule.EXPIRES,
        days=DATA_DAYS,
    ),
    Place(
        name="examples",
        patterns=("pipeline/*/examples/*",),
        holds="trips with their histories, and attributes",
        rule=Rule.EXPIRES,
        days=DATA_DAYS,
    ),
    Place(
        name="model packages",
        patterns=(
            *("registry/models/*", "registry.next/models/*", "pipeline/*/train/*", "pipeline/*/baselines/*"),
            *("*/models/*", "models/*", "*/model/*"),
        ),
        holds="weights, and figures of products over all shoppers",
        rule=Rule.NONE,
    ),
    Place(
        name="evaluations, verdicts, reports and logs",
        patterns=("*",),
        holds="figures over many shoppers, and metrics and slices of trips by their place, without an id",
        rule=Rule.NONE,
    ),
)
"""The first that has a path counts."""


def place_of(path: PurePosixPath) -> Place:
    """The kind of a file, by its path relative to the run."""
    return next(place for place in PLACES if place.has(path.as_posix()))


def described() -> list[dict[str, str]]:
    """The table as rows of text."""
    return [
        {
            "artifact": place.name,
            "where": ", ".join(f"`{pattern}`" for pattern in place.patterns),
            "holds": place.holds,
            "kept": place.rule.value.replace("some days", f"{place.days} days"),
        }
        for place in PLACES
    ]
