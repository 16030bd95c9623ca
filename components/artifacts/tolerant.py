"""Records whose reader decides on what is missing: the gate refuses with a reason, and push needs a plain yes."""

import math
from typing import Annotated

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


class Tolerant(BaseModel):
    """In JSON a field of another type counts as absent, and every field has a default. In Python it is an error."""

    model_config = ConfigDict(frozen=True, extra="ignore")

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
