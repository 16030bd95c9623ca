"""The bases of the artifacts: one JSON file in a directory, or a directory of several files."""

import dataclasses
import math
from pathlib import Path
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Strict,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
)

from model.errors import InputError
from model.files import write_json


class Record(BaseModel):
    """A frozen part of an artifact."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="null")


class Tolerant(Record):
    """A record whose reader decides on what is missing: the gate refuses with a reason, and push needs a plain yes.

    In JSON a field of another type counts as absent, and every field has a default. In Python it is an error.
    """

    @field_validator("*", mode="wrap")
    @classmethod
    def _absent_when_unreadable(
        cls, value: object, handler: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> object:
        try:
            return handler(value)
        except ValidationError:
            if info.mode != "json" or info.field_name is None:
                raise
            return cls.model_fields[info.field_name].get_default(call_default_factory=True)


def _finite(value: object, info: ValidationInfo) -> object:
    """JSON has no NaN: a number that is undefined is None."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if math.isfinite(value) else None
    return None if info.mode == "json" else value


Number = Annotated[Annotated[float, Strict()] | None, BeforeValidator(_finite)]
"""A finite number; None where it is undefined."""
Flag = Annotated[bool, Strict()]
"""A plain true or false; neither 1 nor "true"."""
Count = Annotated[int, Strict()]
"""A whole number; neither true nor "1"."""


class Artifact(Record):
    """A frozen record that is saved to, and loaded from, a directory.

    A subclass names its file and the stage that writes it, and declares the fields, which are the keys of the JSON.
    Where KFP gives an artifact a file instead of a directory, `write` and `read` take that file.
    """

    FILE: ClassVar[str]
    STAGE: ClassVar[str]

    def __init_subclass__(cls, *, file: str = "", stage: str = "", **config: Any) -> None:
        super().__init_subclass__(**config)
        if file:
            cls.FILE, cls.STAGE = file, stage

    def save(self, directory: Path) -> Path:
        """Writes the file into `directory` in one step; returns its path."""
        return self.write(directory / self.FILE)

    def write(self, path: Path) -> Path:
        """Writes the file `path` in one step; returns it."""
        write_json(path, self.model_dump(mode="json", by_alias=True))
        return path

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Reads what `save` wrote.

        Raises:
            InputError: `directory` holds no such artifact, or one that lacks a field.
        """
        return cls.read(directory / cls.FILE)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Reads what `write` wrote; raises InputError as `load` does."""
        if not path.is_file():
            raise InputError(f"{cls.STAGE}: expected {path.name} in {path.parent}, found none; run {cls.STAGE} first")
        try:
            return cls.model_validate_json(path.read_bytes())
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the file"
            raise InputError(f"{path}: {where}: {first['msg']}; run {cls.STAGE} again") from None


class Member:
    """A file of an artifact directory; as an attribute of the directory it is the file's path."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, artifact: "ArtifactDirectory", owner: object = None) -> Path:
        return artifact.directory / self.name


Report = TypeVar("Report", bound=Artifact)


@dataclasses.dataclass(frozen=True)
class ArtifactDirectory(Generic[Report]):
    """An artifact of several files: attributes give their paths, or read them when they are asked for.

    `load` checks that the stage has written one there; a plain instance does not.
    """

    directory: Path

    REPORT: ClassVar[type[Artifact]]
    MARKER: ClassVar[str]
    """What every complete one has in it."""

    def __init_subclass__(cls, *, report: type[Report], marker: str = "") -> None:
        cls.REPORT, cls.MARKER = report, marker or report.FILE

    @property
    def report(self) -> Report:
        """The stage's counts or findings. Raises InputError when there are none."""
        return cast(Report, self.REPORT.load(self.directory))

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Raises InputError when `directory` holds no such artifact."""
        if not (directory / cls.MARKER).exists():
            stage = cls.REPORT.STAGE
            raise InputError(f"{stage}: expected {cls.MARKER} in {directory}, found none; run {stage} first")
        return cls(directory)
