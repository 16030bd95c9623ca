"""Which version is stable, canary and previous, and every transition between them: the one definition of both.

The registry on a machine and the record of a cluster's service hold these roles; all else reads them from there.
"""

import dataclasses
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

from model.errors import InputError

V = TypeVar("V")
"""What a version is called by: its name, or its name and its address."""


@dataclass(frozen=True, kw_only=True)
class Roles(Generic[V]):
    """The versions that have a role.

    >>> roles = Roles(stable="one").start("two").promote()
    >>> (roles.stable, roles.canary, roles.previous)
    ('two', None, 'one')
    """

    stable: V | None = None
    canary: V | None = None
    previous: V | None = None
    """What was stable before the last promotion, or what a rollback after it took away."""

    def start(self, canary: V) -> Self:
        """Declares a canary beside the stable version."""
        return dataclasses.replace(self, canary=canary)

    def promote(self) -> Self:
        """The canary becomes stable. Raises InputError when there is none."""
        if self.canary is None:
            raise InputError("expected a canary to promote, got none; push a blessed model first")
        return dataclasses.replace(self, stable=self.canary, canary=None, previous=self.stable)

    def roll_back(self) -> Self:
        """The canary is taken away, stable stays; without a canary nothing changes."""
        return dataclasses.replace(self, canary=None)

    def revert(self) -> Self:
        """What was stable before the last promotion is stable again. Raises InputError without such a version."""
        if self.previous is None:
            raise InputError("expected a version from before the last promotion, got none; push one")
        return dataclasses.replace(self, stable=self.previous, canary=None, previous=self.stable)

    def by_name(self) -> dict[str, V]:
        """{role: version} of the roles that a version has."""
        roles = {"stable": self.stable, "canary": self.canary, "previous": self.previous}
        return {role: version for role, version in roles.items() if version is not None}
