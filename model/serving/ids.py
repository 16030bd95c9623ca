"""What may be the id of a shopper, a product, an event or a store."""

from model.errors import InputError

MAX_ID_BYTES = 256


def check_id(name: str, value: str) -> str:
    """Returns `value` when it can be an id; raises InputError when not."""
    size = len(value.encode("utf-8", "surrogatepass"))
    if not 0 < size <= MAX_ID_BYTES or "\0" in value or size != len(value.encode("utf-8", "ignore")):
        raise InputError(f"{name}: expected 1 to {MAX_ID_BYTES} bytes of UTF-8 without NUL, got {value[:40]!r}")
    return value
