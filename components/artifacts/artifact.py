"""The bases of the artifacts: one JSON file in a directory, or a directory of several files."""

import dataclasses
from pathlib import Path
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from model.errors import InputError
from model.files import write_json


class Record(BaseModel):
    """A frozen part of an artifact."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="null")


class Artifact(Record):
    """A frozen record that is saved to, and loaded from, a directory.

    A subclass names its file and the stage that writes it, and declares the fields, which are the keys of the JSON.
    Where KFP gives an artifact a file instead of a directory, `write` and `read` take that file.
    """

    FILE: ClassVar[str]
    STAGE: ClassVar[str]

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


@dataclasses.dataclass(frozen=True)
class ArtifactDirectory:
    """An artifact of several files: properties give their paths, or read them when they are asked for.

    `load` checks that the stage has written one there; a plain instance does not.
    """

    directory: Path

    MARKER: ClassVar[str]
    """What every complete one has in it."""
    STAGE: ClassVar[str]

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Raises InputError when `directory` holds no such artifact."""
        if not (directory / cls.MARKER).exists():
            raise InputError(f"{cls.STAGE}: expected {cls.MARKER} in {directory}, found none; run {cls.STAGE} first")
        return cls(directory)
