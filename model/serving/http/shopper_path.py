"""The id of a shopper in the path of a request: exactly one spelling of it is taken.

A path may be changed on its way: proxies join double slashes, follow `..`, and decode `%2F`. Then an id with such
characters would arrive as that of another shopper. So letters, digits and - _ ~ . stand as they are, all else is
percent-encoded (of ! * ' ( ) either will do), a changed path does not match that, and it is refused.
"""

import re
from urllib.parse import unquote_to_bytes

from model.errors import InputError
from model.serving.v2_inputs import check_id

PREFIX = "/shoppers/"
_AS_IT_IS = rb"3[0-9]|4[1-9A-Fa-f]|5[0-9AaFf]|6[1-9A-Fa-f]|7[0-9AaEe]|2[DdEe]"
"""What would be encoded without need, after the %: 50%31 may be an id that was not encoded at all."""
_SPELLING = re.compile(rb"(?:[A-Za-z0-9_~.!*'()-]|%(?!" + _AS_IT_IS + rb")[0-9A-Fa-f]{2})+")
_DOTS = (b".", b"..")


def shopper_of(raw_path: bytes) -> str:
    """The id after PREFIX.

    Example:
        >>> shopper_of(b"/shoppers/caf%C3%A9%2Fann")
        'café/ann'

    Args:
        raw_path: as it came, before anything was decoded.

    Raises:
        InputError: the path could stand for more than one id, or the id cannot be one.
    """
    spelled = raw_path.partition(b"?")[0].removeprefix(PREFIX.encode())
    if not _SPELLING.fullmatch(spelled) or spelled in _DOTS:
        raise InputError(
            "path: expected /shoppers/ID with all of the id percent-encoded but letters, digits and - _ ~ . between "
            f"others, got {spelled[:60]!r}"
        )
    try:
        return check_id("user_id", unquote_to_bytes(spelled).decode())
    except UnicodeDecodeError:
        raise InputError(f"path: expected an id in UTF-8, got {spelled[:60]!r}") from None
